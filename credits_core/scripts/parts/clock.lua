-- The one clock: server time in ms, the microseconds as its fraction.
-- TIME moves within a script on old servers, so it is called once.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

local function stamp(ms)
  return string.format('%.0f', math.floor(ms))
end
