-- Takes credits out of an account, once, if it has them.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 idempotency key  7 fingerprint  8 transaction id; absent without a key
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, available} | {'frozen', now, reason} | {'late', now}
--       | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log, and the balance at or above the floor.
-- @use entry afford
local generation
if key then
  -- @use generation
end
-- @use charge
if key then
  -- See part records.
  redis.call('HSET', KEYS[6 + generation], key, fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4])
end
-- @use pay
if changed then schedule() end
return answer
