-- Makes sure that what `receive` would do under a key is never done, unless it is done already.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 key  3 transaction id
-- Reply {'ok', now}: cancelled, now or before | {'replayed', now}: done
--       | {'late', now} | {'state', now, what, detail}
-- Moves no money, and looks at no more than the record: whatever is wrong with the account.
-- @use clock
local record = redis.pcall('HGET', KEYS[8], ARGV[2])
if type(record) == 'table' then
  local found, what = record, 'idempotency records'
  -- @use wrong_type
end
if record then
  return {string.find(record, 'cancelled\n', 1, true) == 1 and 'ok' or 'replayed', stamp}
end
if now > tonumber(ARGV[1]) then return {'late', stamp} end
redis.call('HSET', KEYS[8], ARGV[2], 'cancelled\n' .. ARGV[3] .. ' ' .. stamp)
return {'ok', stamp}
