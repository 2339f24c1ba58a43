-- One command with any number of words, in pairs or alone: Lua hands over some 8,000 at most.
local function all(command, key, words)
  for i = 1, #words, 1000 do
    redis.call(command, key, unpack(words, i, math.min(i + 999, #words)))
  end
end
