-- Writes an entry and the balance, after every check has passed: nothing here may refuse.
-- Our entries stay in execution order: a score is the time, or just above our last one.
-- 2^-10 ms a step never runs ahead of real time, as whole ms would on a busy account.
local function post(member, amount)
  local score, at = now, stamp
  if last and last >= now then
    score = last + 2 ^ -10
    at = string.format('%.17g', score)
  end
  last = score
  balance = balance + amount
  local text = digits(balance)
  redis.call('ZADD', KEYS[2], at, member)
  redis.call('SET', KEYS[1], text)
  redis.call('HSET', KEYS[3], 'score', at)
  if mark then redis.call('HSET', KEYS[3], 'initialized', '1') end
  return {'ok', stamp, text, at}
end
