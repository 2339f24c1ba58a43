-- Gives an open hold more credits, more time, or both.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (zero or more)
--       4 hold  5 expires (ms; '' as it was)
--       6 idempotency key, at least the transaction's own id  7 fingerprint  8 transaction id
-- Reply {'ok', now, balance, score, credits held, expires}
--       | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, available} | {'frozen', now, reason}
--       | {'closed', now, balance, record or ''} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log; a hold never ends earlier than it was told before.
-- @use clock
local field, key, fingerprint = 'hold ' .. ARGV[4], ARGV[6], ARGV[7]
-- @use records
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch
local text = redis.call('HGET', KEYS[3], field)
if not text then
  -- @use closed
  return {'closed', stamp, raw or '0', closed or ''}
end
-- @use hold
local amount = whole(ARGV[3])
if not amount or amount < 0 or held + amount > MAX_AMOUNT then
  return {'invalid', stamp, 'amount'}
end
if amount > 0 then
  -- @use afford
end
local later = digits(math.max(tonumber(expires), tonumber(ARGV[5]) or 0))
-- @use tools joined
local generation
-- @use generation
if fresh then
  -- @use opening
end
local answer = post(ARGV[2], -amount)
if answer.err then return answer end
local total, more = digits(held + amount), burn(amount)
-- See part records; a hold adds when it expires and what it holds.
redis.call('HSET', KEYS[6 + generation], key,
  fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4] .. ' ' .. later .. ' ' .. total)
redis.call('HSET', KEYS[3], field,
  total .. ' ' .. later .. ' ' .. joined(sources, more) .. '\n' .. action .. claims)
redis.call('ZADD', KEYS[5], later, field)
schedule()
return {'ok', stamp, raw, answer[4], total, later}
