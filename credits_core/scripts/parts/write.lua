-- Writes the entry `member`, which changes the balance by `change`, after every check has
-- passed: nothing here may refuse. Sets `answer`. Where part payer has set `left`, the grant
-- that pays changes in the same command.
-- Our entries stay in execution order: a score is the time, or just above our last one.
-- 2^-10 ms a step never runs ahead of real time, as whole ms would on a busy account.
--
-- Access rules of a server are applied to each command when it runs, and an error undoes
-- nothing: first what does no harm alone, then the balance, then the log, and if that fails
-- the balance as it was.
local score, at = now, stamp
if last and last >= now then
  score = last + 2 ^ -10
  at = string.format('%.17g', score)
end
local text = digits(balance + change)
if left then
  redis.call('HSET', KEYS[3], 'score', at, 'seen', text, 'grant ' .. first, digits(left))
elseif live then
  redis.call('HSET', KEYS[3], 'score', at, 'seen', text)
else
  redis.call('HSET', KEYS[3], 'score', at)
end
local added = redis.pcall('SET', KEYS[1], text)
if not added.err then added = redis.pcall('ZADD', KEYS[2], at, member) end
if type(added) == 'table' then
  if live then redis.call('HSET', KEYS[3], 'seen', digits(balance)) end
  if left then redis.call('HSET', KEYS[3], 'grant ' .. first, digits(left - change)) end
  if raw then redis.pcall('SET', KEYS[1], raw) else redis.pcall('DEL', KEYS[1]) end
  return added
end
if mark then redis.call('HSET', KEYS[3], 'initialized', '1') end
last, raw, balance = score, text, balance + change
local answer = {'ok', stamp, text, at}
