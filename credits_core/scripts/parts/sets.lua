-- Live grants and what falls due, of the right type, before anything is written: sets
-- `sizes[4]` and `sizes[5]`.
local sizes = {}
for i = 4, 5 do
  sizes[i] = redis.pcall('ZCARD', KEYS[i])
  if type(sizes[i]) == 'table' then
    local found, what = sizes[i], 'grants and holds'
    -- @use wrong_type
  end
end
