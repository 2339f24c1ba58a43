-- The account as people look at it: what it holds, and all that is open in it.
local open = redis.call('ZRANGE', KEYS[5], 0, -1)
local view = {'ok', stamp, digits(balance), digits(floor), frozen and 'frozen' or '', frozen or ''}
-- Lua hands over some 8,000 words at most.
for from = 1, #open, 1000 do
  local to = math.min(from + 999, #open)
  for i, text in ipairs(redis.call('HMGET', KEYS[3], unpack(open, from, to))) do
    if text then
      view[#view + 1] = open[from + i - 1]
      view[#view + 1] = text
    end
  end
end
return view
