-- Writes down what is told of a payment, once a name, and answers all that was told of it.
--
-- KEYS  1 the record of the payment
-- ARGV  1 deadline (ms, server time)  2 name  3 value
-- Reply {'ok', now, name, value, name, value, ...}: in the order in which they were written
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
-- What was written stays as it is, and where it is: who writes sees all that was written before.
-- @use clock
local notes = redis.pcall('LRANGE', KEYS[1], 0, -1)
if notes.err then
  local found, what = notes, 'payment'
  -- @use wrong_type
end
local known = false
for at = 1, #notes, 2 do known = known or notes[at] == ARGV[2] end
if not known then
  if now > tonumber(ARGV[1]) then return {'late', stamp} end
  if #notes >= 200 then return {'limit', stamp, 'max_notes', '100'} end
  redis.call('RPUSH', KEYS[1], ARGV[2], ARGV[3])
  notes[#notes + 1] = ARGV[2]
  notes[#notes + 1] = ARGV[3]
end
table.insert(notes, 1, stamp)
table.insert(notes, 1, 'ok')
return notes
