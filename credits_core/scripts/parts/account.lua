-- The account as a write finds it: `balance`, `last` (the score of our last entry),
-- `initialized` (the mark of a sign-up, or false) and `mark` (set it later), and `fresh` for
-- a balance that has no log, never had one or lost it. Expects `raw` of part balance.
local state = redis.pcall('HMGET', KEYS[3], 'score', 'initialized')
if state.err then return {'state', stamp, 'wrong_type', 'state'} end
local last, initialized = state[1] and tonumber(state[1]), state[2]
local balance, mark, fresh = 0, false, false
if raw then
  balance = whole(raw)
  if not balance then
    local numeric = string.find(raw, '^%-?%d[%d%.eE%+%-]*$') and tonumber(raw)
    return {'state', stamp, numeric and 'fractional' or 'not_a_number', raw}
  end
  fresh = redis.call('EXISTS', KEYS[2]) == 0
end
