-- Records of charges live 30 to 60 days in two generations that take turns: when the
-- current one is 30 days old the other is emptied and becomes current.
local GENERATION_MS = 30 * 24 * 3600 * 1000

local function record(fingerprint, tx_id, at)
  return fingerprint .. '\n' .. tx_id .. ' ' .. at
end

local function remember_charge(key, text, now)
  local state = redis.call('HMGET', KEYS[3], 'generation', 'generation_since')
  local generation, since = tonumber(state[1] or '0'), tonumber(state[2] or '')
  if not since or now - since >= GENERATION_MS then
    if since then generation = 1 - generation end
    redis.call('UNLINK', KEYS[4 + generation])
    redis.call('HSET', KEYS[3], 'generation', generation, 'generation_since', stamp(now))
  end
  redis.call('HSET', KEYS[4 + generation], key, text)
end

-- A payment may be announced again after any time: its record stays.
local function remember_addition(key, text)
  redis.call('HSET', KEYS[6], key, text)
end
