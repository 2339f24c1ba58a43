-- Takes back an addition, what is left of it or a part; if it has not come yet, when it comes.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 head and 3 tail of the member
--       4 amount ('' for all that is left)  5 the addition, or ''  6 where to look for it (ms)
--       7 its member, or ''
--       8 idempotency key, at least the transaction's own id  9 fingerprint
--       10 transaction id
--       11 the idempotency key of the addition, instead of 5, or ''
-- Reply {'ok', now, balance, score, amount, claimed} | {'replayed' or 'conflict', now, balance, record}
--       | {'unfound', now, folded up to (ms) or '', the addition} | {'kind', now, kind}
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, and the balance where it was if it is below the floor.
-- @use clock
local key, fingerprint = ARGV[8], ARGV[9]
-- @use records
-- @use balance
local id, low = ARGV[5], ARGV[6]
if ARGV[11] ~= '' then
  local added = redis.call('HGET', KEYS[8], ARGV[11])
  if added then
    -- What was added together is told apart by its ids alone.
    if string.sub(added, 1, 4) == 'add\31' then return {'kind', stamp, 'batch'} end
    id, low = string.match(added, '\n(%S+) (%S+)')
  else
    local field = 'revoke\n' .. ARGV[11]
    local announced = redis.call('HGET', KEYS[8], field) or ''
    local _, marks = string.gsub(announced, '[^\n]+\n[^\n]*\n[^\n]*\n', '')
    local whole_of_it = string.match('\n' .. announced, '\n(%S+) \n')
    if whole_of_it and ARGV[4] == '' then
      return {'replayed', stamp, raw or '0',
        'revoke\n' .. whole_of_it .. ' ' .. string.match(whole_of_it, '%d+') .. ' 0'}
    end
    if now > tonumber(ARGV[1]) then return {'late', stamp} end
    if marks >= 10 then return {'limit', stamp, 'max_revocations', '10'} end
    redis.call('HSET', KEYS[8], field, announced .. ARGV[10] .. ' ' .. ARGV[4] .. '\n' .. ARGV[2] ..
      '\n' .. ARGV[3] .. '\n')
    -- Nothing is in the log yet: its time is that of its id.
    local at = string.match(ARGV[10], '%d+')
    redis.call('HSET', KEYS[8], key, fingerprint .. '\n' .. ARGV[10] .. ' ' .. at .. ' 0')
    return {'ok', stamp, raw or '0', at, '0', '0'}
  end
end
-- @use returned
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number account post touch find
-- All of it was asked for before, by another call.
local told = ARGV[4] == '' and string.match(returned(id).record, '^returned\n.* all$')
local addition = find(id, low, ARGV[7])
if not addition then
  if told then return {'replayed', stamp, raw or '0', told} end
  return {'unfound', stamp, redis.call('HGET', KEYS[3], 'folded') or '', id}
end
local kind, size, grant = addition.kind, math.floor(addition.amount), addition.grant
if size < 0 or (kind and kind ~= 'allowance' and not (kind == 'grant' and grant)) then
  return {'kind', stamp, kind or 'deduct'}
end
if kind ~= 'allowance' and not (kind and string.sub(grant, 22) == id) then grant = nil end
if kind == 'allowance' and grant and string.sub(grant, 22) ~= id then
  -- One grant for all periods: it is of the last of them.
  local last = redis.call('HGET', KEYS[3], 'allowance ' .. tostring(addition.allowance))
  if not (last and string.match(last, '\n(%S+)') == id) then size = 0 end
end
-- What came back to a grant since all of it was taken is taken again; credits that never expire
-- are those of other additions by now.
if told and not (grant and redis.call('HEXISTS', KEYS[3], 'grant ' .. grant) == 1) then
  return {'replayed', stamp, raw or '0', told}
end
local asked
if ARGV[4] ~= '' then
  asked = whole(ARGV[4])
  if not asked or asked < 1 then return {'invalid', stamp, 'amount'} end
end
-- @use tools take_back
local tail = ARGV[3]
if ARGV[11] ~= '' then tail = string.sub(tail, 1, -2) .. ',"ref":"' .. id .. '"}' end
local answer = take_back(ARGV[10], id, size, grant, asked, ARGV[2], tail)
if answer.err then return answer end
redis.call('HSET', KEYS[8], key,
  fingerprint .. '\n' .. ARGV[10] .. ' ' .. answer[4] .. ' ' .. answer[5] .. ' ' .. answer[6])
if changed then schedule() end
return answer
