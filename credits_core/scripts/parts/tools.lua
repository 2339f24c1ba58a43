-- The functions that change holds and grants, made only where they are needed, and always before
-- the first write: what the server's access rules, or keys of another type, do not allow shows
-- here, while nothing has moved.
if not give then
  -- @use sets
  redis.call('HINCRBY', KEYS[3], '', 0)
  redis.call('HDEL', KEYS[3], '')
  redis.call('ZREM', KEYS[5], '')
  redis.call('ZRANGE', KEYS[4], 0, 0)
  redis.call('ZRANGEBYSCORE', KEYS[5], 1, 0)
  -- @use grants claims expire
end
