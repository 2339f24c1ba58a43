-- Gives back a charge, all that is left of it or a part: never more than it in total.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 head and 3 tail of the member
--       4 amount ('' for all that is left)  5 the charge  6 where to look for it (ms), or ''
--       7 its member, or ''
--       8 idempotency key ('' for none)  9 fingerprint  10 transaction id
-- Reply {'ok', now, balance, score, amount} | {'replayed' or 'conflict', now, balance, record}
--       | {'unfound', now, folded up to (ms) or ''} | {'kind', now, kind}
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log; what a grant paid goes back to it.
-- @use clock
local key, fingerprint = ARGV[8], ARGV[9]
if key == '' then key = nil end
if ARGV[4] ~= '' then
  local member = ARGV[2] .. ARGV[4] .. ARGV[3]
  -- @use witness
end
if key then
  -- @use records
end
-- @use balance returned
local before = returned(ARGV[5])
if before.last_tx == ARGV[10] then return {'replayed', stamp, raw or '0', before.record} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number account post touch find
local charge = find(ARGV[5], ARGV[6], ARGV[7])
if not charge then
  return {'unfound', stamp, redis.call('HGET', KEYS[3], 'folded') or ''}
end
local kind = charge.kind or ''
local size = kind == 'settle' and charge.kept or -charge.amount
if size < 0 or (kind ~= 'settle' and kind ~= '') then
  return {'kind', stamp, kind == '' and 'add' or kind}
end
local left = math.floor(size) - before.so_far
local amount = left
if ARGV[4] ~= '' then amount = whole(ARGV[4]) end
if not amount or amount < 0 or amount > MAX_BALANCE then return {'invalid', stamp, 'amount'} end
if ARGV[4] == '' and left == 0 and before.last_tx ~= '' then
  return {'replayed', stamp, raw or '0', before.record}
end
if amount > left then return {'limit', stamp, 'refundable', digits(left)} end
if balance + amount > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end

local text, sources, back = digits(amount), before.sources, {}
if sources ~= '' then
  -- @use tools
end
local answer = post(ARGV[2] .. text .. ARGV[3], amount)
if answer.err then return answer end
if sources ~= '' then
  sources = give_back(sources, left, amount, function(name, part) back[#back + 1] = {name, part} end)
end
local record = ARGV[10] .. ' ' .. answer[4] .. ' ' .. text
redis.call('HSET', KEYS[8], 'paid\n' .. ARGV[5],
  digits(before.so_far + amount) .. ' ' .. record .. '\n' .. sources)
if key then redis.call('HSET', KEYS[8], key, fingerprint .. '\n' .. record) end
for _, pair in ipairs(back) do give(pair[1], pair[2]) end
if give then
  -- What went back to a grant whose time has passed goes the way of the grant.
  if #back > 0 then expire() end
  if changed then schedule() end
end
return {'ok', stamp, digits(balance), answer[4], text}
