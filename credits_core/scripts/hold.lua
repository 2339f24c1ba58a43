-- Sets credits aside for work that is still to be done: they leave the balance at once.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 idempotency key ('' for none)  7 fingerprint  8 transaction id, the hold's too
--       9 expires (ms)  10 action (JSON)
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, available} | {'frozen', now, reason} | {'limit', now, rule, most}
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log, the balance at or above the floor, and at most 1,000 holds.
-- @use entry afford
local expires = whole(ARGV[9])
if not expires then return {'invalid', stamp, 'expiry'} end
-- What falls due are the grants and the holds.
-- @use sets
if sizes[5] - sizes[4] >= 1000 then return {'limit', stamp, 'max_holds', '1000'} end
local generation
if key then
  -- @use generation
end
if fresh then
  -- @use opening
end
-- @use tools
local change = -amount
-- @use write
local sources = burn(amount)
local field = 'hold ' .. ARGV[8]
redis.call('HSET', KEYS[3], field,
  digits(amount) .. ' ' .. ARGV[9] .. ' ' .. sources .. '\n' .. ARGV[10])
redis.call('ZADD', KEYS[5], ARGV[9], field)
if key then
  -- See part records; a hold adds when it expires.
  redis.call('HSET', KEYS[6 + generation], key,
    fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4] .. ' ' .. ARGV[9])
end
schedule()
return answer
