-- Forgets an account: every key of it.
--
-- KEYS  all keys of the account
-- ARGV  1 deadline (ms, server time)
-- Reply {'ok', now, keys removed} | {'late', now}
-- @use clock
if now > tonumber(ARGV[1]) then return {'late', stamp} end
return {'ok', stamp, tostring(redis.call('UNLINK', unpack(KEYS)))}
