-- An account as a write finds it, or nil and a refusal: `balance`, `score` of our last entry,
-- `initialized` (the mark of a sign-up), `raw` (the balance as stored, or false), and `fresh`
-- for a balance that has no log and that we never wrote.
local function read_account(now)
  local raw, refusal = read_balance(now)
  if refusal then return nil, refusal end
  local state = redis.pcall('HMGET', KEYS[3], 'score', 'initialized')
  if state.err then
    return nil, {'state', stamp(now), 'wrong_type', 'state'}
  end
  local account = {balance = 0, score = tonumber(state[1] or ''), initialized = state[2], raw = raw}
  if raw then
    account.balance = whole(raw)
    if not account.balance then
      local fraction = string.find(raw, '^%-?%d[%d%.eE%+%-]*$') and tonumber(raw)
      return nil, {'state', stamp(now), fraction and 'fractional' or 'not_a_number', raw}
    end
    if not state[1] and redis.call('EXISTS', KEYS[2]) == 0 then account.fresh = true end
  end
  return account
end
