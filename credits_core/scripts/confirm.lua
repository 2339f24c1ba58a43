-- Notes at the sender that a transfer or a merge has arrived, so that it is never sent to an
-- account that was deleted and begun anew.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)
--       2 key and 3 record of the first half, as script send keeps them
-- Reply {'ok', now} | {'late', now} | {'state', now, what, detail}
-- Moves no money.
-- @use clock
if now > tonumber(ARGV[1]) then return {'late', stamp} end
local record = redis.pcall('HGET', KEYS[8], ARGV[2])
if type(record) == 'table' then
  local found, what = record, 'idempotency records'
  -- @use wrong_type
end
if record == ARGV[3] then redis.call('HSET', KEYS[8], ARGV[2], record .. '\nreceived') end
return {'ok', stamp}
