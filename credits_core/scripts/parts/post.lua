-- Writes, after every check has passed: nothing here may refuse.

-- Our entries stay in execution order: a score is the time, or just above our last one.
-- 2^-10 ms a step never runs ahead of real time, as whole ms would on a busy account.
local function append(account, member, now)
  local score = now
  if account.score and account.score >= score then score = account.score + 2 ^ -10 end
  account.score = score
  redis.call('ZADD', KEYS[2], string.format('%.17g', score), member)
end

-- A balance that stood without a log gets it as an opening entry, so that the sum holds.
local function open_log(account, now)
  account.fresh = false
  account.mark = true
  local at = stamp(now)
  append(account, string.format(
    '{"id":"tx_%s_opening","amount":%s,"action":"opening_balance","timestamp":%s,"kind":"opening"}',
    at, digits(account.balance), at), now)
end

local function post(account, member, amount, now)
  if account.fresh then open_log(account, now) end
  account.balance = account.balance + amount
  append(account, member, now)
  redis.call('SET', KEYS[1], digits(account.balance))
  redis.call('HSET', KEYS[3], 'score', string.format('%.17g', account.score))
  if account.mark then
    account.mark = false
    redis.call('HSET', KEYS[3], 'initialized', '1')
  end
  return {'ok', stamp(now), digits(account.balance), stamp(account.score)}
end
