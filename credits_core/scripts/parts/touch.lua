-- Brings the account up to this instant: sets `floor`, `frozen` (the reason, or false) and
-- `live` (are there grants?) and `first` (the one that burns first), burns grants for what
-- others spent, and applies what fell due.
-- A plain account is through after one comparison, before it pays for any of it.
local floor, frozen = 0, false
local give, take, burn, give_back, schedule, expire
local CLAIM, spare, claim_back, unclaim, redeem
if due and (due <= now or not raw) then
  local rules = redis.call('HMGET', KEYS[3], 'floor', 'frozen', 'seen', 'next', 'first')
  floor, frozen, first = tonumber(rules[1] or '0'), rules[2], rules[5]
  if raw then
    live = rules[3] ~= false
    local others = live and rules[3] ~= raw
    local fallen = rules[4] and tonumber(rules[4]) <= now
    if others or fallen then
      -- @use tools
      if others then
        -- They spent what we would have spent first; what they added never expires.
        redis.call('HSET', KEYS[3], 'seen', raw)
        burn(tonumber(rules[3]) - balance)
      end
      if fallen then
        if fresh then
          -- @use opening
        end
        expire()
        redeem()
      end
      if changed then schedule() end
    end
  else
    -- The account is gone, and what was open in it.
    local past = redis.call('ZRANGE', KEYS[5], 0, -1)
    -- @use all
    all('HDEL', KEYS[3], past)
    redis.call('UNLINK', KEYS[4], KEYS[5])
    -- @use tools
    schedule()
  end
end
