-- Reads one page of a log, members with their scores; writes nothing.
--
-- KEYS  1 log
-- ARGV  1 'oldest' or 'newest' first  2 lowest score  3 highest score ('(' before a bound
--       leaves it out)  4 limit
-- Reply {'ok', now, member, score, member, score, ...} | {'state', now, what, detail}
-- @use clock
local reply
if ARGV[1] == 'newest' then
  reply = redis.pcall('ZREVRANGEBYSCORE', KEYS[1], ARGV[3], ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
else
  reply = redis.pcall('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
end
if reply.err then
  local found, what = reply, 'log'
  -- @use wrong_type
end
table.insert(reply, 1, 'ok')
table.insert(reply, 2, stamp)
return reply
