-- The second half of a transfer or a merge: puts the credits in; what came from grants is a
-- grant here, too, of the same expiry and priority.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 key  5 fingerprint  6 transaction id
--       7... name of a grant, credits of it
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log; the record stays for ever.
-- @use clock
local member, key, fingerprint = ARGV[2], ARGV[4], ARGV[5]
-- @use witness
-- @use records
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch
local amount = whole(ARGV[3])
if not amount or amount < 1 then return {'invalid', stamp, 'amount'} end
if balance + amount > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end
if ARGV[7] then
  -- @use sets
  if sizes[4] + (#ARGV - 6) / 2 > 1000 then return {'limit', stamp, 'max_grants', '1000'} end
end
if fresh then
  -- @use opening
end
if ARGV[7] then
  -- @use tools
end
local answer = post(member, amount)
if answer.err then return answer end
redis.call('HSET', KEYS[8], key, fingerprint .. '\n' .. ARGV[6] .. ' ' .. answer[4])
if ARGV[7] then
  -- A debt is paid first.
  local room = math.min(amount, math.max(0, balance))
  for i = 7, #ARGV, 2 do
    local part = math.min(room, tonumber(ARGV[i + 1]))
    if part > 0 then give(ARGV[i], part) end
    room = room - part
  end
  expire()
  schedule()
end
return {'ok', stamp, raw, answer[4]}
