-- Sets the balance to the sum of the log, where the log is still what was summed.
--
-- KEYS  1 balance  2 log  3 state
-- ARGV  1 most open entries to sum here  2 known ranges  3 open ranges
--       4... low, high of each range, known ones first; then the count of each known range;
--       then the sum of the known ranges, '<multiples of 2^26> <rest>'; last what state said of
--       folding then, or ''
-- Reply {'ok', now, balance before or '', balance after} | {'changed', now}
--       | {'state', now, what, detail} | {'limit', now, rule, sum}
-- The counts, and that nothing was folded meanwhile, are the compare of a compare-and-set:
-- entries are immutable, so an unchanged count is an unchanged sum. Both sides move in one instant, so that two repairs, or a
-- repair amid writers, never create or destroy a credit; a repeat changes nothing.
-- @use clock number stored ranges
if entries == 0 then return {'state', stamp, 'missing_log', raw or ''} end

local known, open = tonumber(ARGV[2]), tonumber(ARGV[3])
local counts = count_ranges(4, known + open)
local expected = 4 + 2 * (known + open)
if (redis.call('HGET', KEYS[3], 'folded') or '') ~= ARGV[expected + known + 1] then
  return {'changed', stamp}
end
for i = 1, known do
  if counts[i] ~= tonumber(ARGV[expected + i - 1]) then return {'changed', stamp} end
end
if total(counts, known + 1) > tonumber(ARGV[1]) then return {'changed', stamp} end

-- In two parts, each exact: where clocks differ, sums on the way may pass what a double holds.
-- Fractions are summed as other apps sum them, one after another.
local UNIT = 67108864
local high, low = string.match(ARGV[expected + known], '^(%S+) (%S+)$')
high, low = tonumber(high), tonumber(low)
local sum, integral = high * UNIT + low, low == math.floor(low)
for i = known, known + open - 1 do
  local members = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[4 + 2 * i], ARGV[5 + 2 * i])
  for _, member in ipairs(members) do
    -- cjson refuses lone surrogates, which JavaScript writes. Some letter in the place of each
    -- keeps the rest as it is; 'n' also stands after a backslash that was escaped itself.
    local text = string.gsub(member, '\\u[dD][89a-fA-F]%x%x', 'n')
    local read, entry = pcall(cjson.decode, text)
    local amount = read and type(entry) == 'table' and entry.amount
    if type(amount) ~= 'number' or not (math.abs(amount) <= MAX_BALANCE) then
      return {'state', stamp, 'malformed_entry', string.sub(member, 1, 80)}
    end
    local above = math.floor(amount / UNIT)
    sum, integral = sum + amount, integral and amount == math.floor(amount)
    high, low = high + above, low + (amount - above * UNIT)
  end
end
if integral then sum = high * UNIT + low end
if sum > MAX_BALANCE or sum < -MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(sum)} end

local text = sum == math.floor(sum) and digits(sum) or string.format('%.17g', sum)
if raw ~= text then redis.call('SET', KEYS[1], text) end
return {'ok', stamp, raw or '', text}
