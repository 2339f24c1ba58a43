-- The one clock: `now` is server time in ms with the microseconds as its fraction, `stamp`
-- the same as text. TIME moves within a script on old servers, so it is called once.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local stamp = string.format('%.17g', now)
