-- The account as a write finds it: `balance`, `last` (the score of our last entry),
-- `initialized` (the mark of a sign-up, or false) and `mark` (set it with the next entry), and
-- `fresh` for a balance that never had a log. Expects `raw` of part balance.
local state = redis.pcall('HMGET', KEYS[3], 'score', 'initialized')
if state.err then
  local found, what = state, 'state'
  -- @use wrong_type
end
local last, initialized = state[1] and tonumber(state[1]), state[2]
local balance, mark, fresh = 0, false, false
if raw then
  balance = whole(raw)
  if not balance then
    local numeric = string.find(raw, '^%-?%d[%d%.eE%+%-]*$') and tonumber(raw)
    return {'state', stamp, numeric and 'fractional' or 'not_a_number', raw}
  end
  fresh = redis.call('EXISTS', KEYS[2]) == 0
  -- We wrote to a log that is gone: to go on would hide the loss.
  if fresh and last then return {'state', stamp, 'missing_log', raw} end
else
  initialized = false -- balance and log are gone, so that what the state says is of the past
end
