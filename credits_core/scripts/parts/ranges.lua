-- Score ranges of a log, as (low, high] pairs in ARGV from `first` on.
local function count_ranges(first, ranges)
  local counts = {}
  for i = 1, ranges do
    local at = first + 2 * (i - 1)
    counts[i] = redis.call('ZCOUNT', KEYS[2], ARGV[at], ARGV[at + 1])
  end
  return counts
end

local function total(counts, from)
  local sum = 0
  for i = from, #counts do sum = sum + counts[i] end
  return sum
end
