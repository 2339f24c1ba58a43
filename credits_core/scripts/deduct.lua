-- Takes credits out of an account, once, if it has them.
--
-- KEYS  1 balance  2 log  3 state; with an idempotency key also
--       4, 5 records of charges (two generations)  6 records of additions
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 idempotency key  7 fingerprint  8 transaction id; absent without a key
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, balance} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, and the balance at or above zero.
-- @use entry
if balance < amount then return {'insufficient', stamp, digits(balance)} end
local generation
if key then
  -- @use generation
end
if fresh then
  -- @use opening
end
local answer = post(member, -amount)
if key and not answer.err then
  -- See part records.
  local record = fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4]
  redis.call('HSET', KEYS[4 + generation], key, record)
end
return answer
