-- The balance as stored (`raw`, or false) and the size of the log, both of the right type.
local raw = redis.pcall('GET', KEYS[1])
if type(raw) == 'table' then
  local found, what = raw, 'balance'
  -- @use wrong_type
end
local entries = redis.pcall('ZCARD', KEYS[2])
if type(entries) == 'table' then
  local found, what = entries, 'log'
  -- @use wrong_type
end
