-- Reads KEYS[1] (balance) beside KEYS[2] (log): the raw balance, or false for an account
-- that does not exist, or nil and a refusal. pcall instead of TYPE: a wrong type shows in
-- the read itself.
local function read_balance(now)
  local raw = redis.pcall('GET', KEYS[1])
  if type(raw) == 'table' then
    return nil, {'state', stamp(now), 'wrong_type', 'balance'}
  end
  if not raw and redis.call('EXISTS', KEYS[2]) == 1 then
    return nil, {'state', stamp(now), 'missing_balance', ''}
  end
  return raw
end
