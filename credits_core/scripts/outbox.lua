-- Looks up the last merge out of an account; writes nothing.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 the key under which merges are kept, without its number
-- Reply {'ok', now, number, record or ''} | {'state', now, what, detail}
-- @use clock
local number = redis.pcall('HGET', KEYS[8], ARGV[1])
if type(number) == 'table' then
  local found, what = number, 'idempotency records'
  -- @use wrong_type
end
if not number then return {'ok', stamp, '0', ''} end
return {'ok', stamp, number, redis.call('HGET', KEYS[8], ARGV[1] .. number)}
