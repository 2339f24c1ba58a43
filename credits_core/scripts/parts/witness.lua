-- Exactly once. The bytes of `member` are fixed by the caller, so finding it in the log means
-- that this very call was executed before: no marker key, and a late first copy finds the
-- member of the retry.
local seen = redis.pcall('ZSCORE', KEYS[2], member)
if seen then
  if type(seen) == 'table' then
    local found, what = seen, 'log'
    -- @use wrong_type
  end
  -- @use balance
  return {'ok', stamp, raw, seen}
end
