-- Writes, after every check has passed: nothing here may refuse.

-- Our entries stay in execution order: a score is the time, or just above our last one.
-- 2^-10 ms a step never runs ahead of real time, as whole ms would on a busy account.
local function append(member)
  local score, text = now, stamp
  if last and last >= now then
    score = last + 2 ^ -10
    text = string.format('%.17g', score)
  end
  last = score
  redis.call('ZADD', KEYS[2], text, member)
  redis.call('HSET', KEYS[3], 'score', text)
  return text
end

local function post(member, amount)
  if fresh then
    -- A balance that stood without a log gets it as an opening entry, so that the sum holds;
    -- it had its sign-up credits when it was made.
    fresh, mark = false, true
    local at = string.format('%.0f', math.floor(now))
    append(string.format(
      '{"id":"tx_%s_opening","amount":%s,"action":"opening_balance","timestamp":%s,"kind":"opening"}',
      at, digits(balance), at))
  end
  local at = append(member)
  balance = balance + amount
  local text = digits(balance)
  redis.call('SET', KEYS[1], text)
  if mark then redis.call('HSET', KEYS[3], 'initialized', '1') end
  return {'ok', stamp, text, at}
end
