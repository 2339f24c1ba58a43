-- Tells where the last reconciliation broke off, or keeps where this one does.
--
-- KEYS  1 the record, which is of no account and holds no money
-- ARGV  1 'tell' or 'keep'  2 where ('' for the beginning)  3 for how long (seconds)
-- Reply {'ok', now, where, or '' for the beginning} | {'state', now, what, detail}
-- @use clock
if ARGV[1] == 'tell' then
  local found, what = redis.pcall('GET', KEYS[1]), 'record of the reconciliation'
  if type(found) == 'table' and found.err then
    -- @use wrong_type
  end
  return {'ok', stamp, found or ''}
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return {'ok', stamp, ARGV[2]}
