-- Forgets an account: every key of it.
--
-- KEYS  all keys of the account
-- ARGV  1 deadline (ms, server time)
-- Reply {'ok', now, keys removed} | {'late', now}
-- @use clock balance witness
local now = clock()
local answer = late(ARGV[1], now)
if answer then return answer end
return {'ok', stamp(now), tostring(redis.call('UNLINK', unpack(KEYS)))}
