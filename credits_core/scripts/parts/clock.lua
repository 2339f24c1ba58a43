-- The one clock: `stamp` is server time in ms with the microseconds as its fraction, as text,
-- `now` the number it stands for. TIME moves within a script on old servers, so that it is
-- called once.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local stamp = string.format('%.3f', now)
