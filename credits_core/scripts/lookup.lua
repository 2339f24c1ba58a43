-- Answers whether a call was executed; writes nothing.
--
-- KEYS  1 balance  2 log  3 state; with an idempotency key also 4, 5, 6 its records
-- ARGV  1 member  2 idempotency key  3 fingerprint; absent without a key
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'absent', now} | {'state', now, what, detail}
-- 'absent' is final once `now` is past the deadline that the call carried.
-- @use clock
local member, key, fingerprint = ARGV[1], ARGV[2], ARGV[3]
-- @use witness
if key then
  -- @use records
end
return {'absent', stamp}
