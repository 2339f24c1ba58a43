-- Records of charges live 30 to 60 days in two generations that take turns: when the
-- current one is 30 days old the other is emptied and becomes current.
local GENERATION_MS = 30 * 24 * 3600 * 1000
local kept = redis.call('HMGET', KEYS[3], 'generation', 'generation_since')
local generation, since = tonumber(kept[1] or '0'), tonumber(kept[2] or '')
if not since or now - since >= GENERATION_MS then
  if since then generation = 1 - generation end
  redis.call('UNLINK', KEYS[4 + generation])
  redis.call('HSET', KEYS[3], 'generation', generation, 'generation_since', stamp)
end
redis.call('HSET', KEYS[4 + generation], key, record)
