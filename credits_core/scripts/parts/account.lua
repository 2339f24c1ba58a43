-- The account as a write finds it: `balance`, `last` (the score of our last entry),
-- `initialized` (the mark of a sign-up, or false) and `mark` (set it with the next entry),
-- `fresh` for a balance that never had a log, and `due`, the instant from which on a touch has
-- more to look at than the balance (see part touch). Expects `raw` of part balance.
local state = redis.pcall('HMGET', KEYS[3], 'score', 'initialized', 'due')
if state.err then
  local found, what = state, 'state'
  -- @use wrong_type
end
local last, initialized, due = tonumber(state[1]), state[2], tonumber(state[3])
local balance, mark, fresh, live, changed = 0, false, false, false, false
local first, left -- see parts touch and payer
if raw then
  balance = whole(raw)
  if not balance then
    local numeric = string.find(raw, '^%-?%d[%d%.eE%+%-]*$') and tonumber(raw)
    return {'state', stamp, numeric and 'fractional' or 'not_a_number', raw}
  end
  local entries = redis.pcall('ZCARD', KEYS[2])
  if type(entries) == 'table' then
    local found, what = entries, 'log'
    -- @use wrong_type
  end
  fresh = entries == 0
  -- We wrote to a log that is gone: to go on would hide the loss.
  if fresh and last then return {'state', stamp, 'missing_log', raw} end
  -- Holds and grants whose state is gone.
  if not last and not due and redis.call('EXISTS', KEYS[5]) == 1 then
    return {'state', stamp, 'missing_state', raw}
  end
else
  initialized = false -- balance and log are gone, so that what the state says is of the past
end
