-- Reads KEYS[1] beside KEYS[2]: `raw` is the balance as stored, false for an account that
-- does not exist. pcall instead of TYPE: a wrong type shows in the read itself.
local raw = redis.pcall('GET', KEYS[1])
if type(raw) == 'table' then
  local found, what = raw, 'balance'
  -- @use wrong_type
end
if not raw and redis.call('EXISTS', KEYS[2]) == 1 then
  return {'state', stamp, 'missing_balance', ''}
end
