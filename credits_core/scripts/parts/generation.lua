-- Records of charges live 30 to 60 days in two generations that take turns: when the
-- current one is 30 days old the other is emptied and becomes current. Before the money
-- moves: sets `generation`, the one to write to.
local GENERATION_MS = 30 * 24 * 3600 * 1000
local kept = redis.call('HMGET', KEYS[3], 'generation', 'generation_since')
local since = tonumber(kept[2] or '')
generation = tonumber(kept[1] or '0')
if not since or now - since >= GENERATION_MS then
  if since then
    generation = 1 - generation
    redis.call('UNLINK', KEYS[6 + generation])
  end
  redis.call('HSET', KEYS[3], 'generation', generation, 'generation_since', stamp)
end
