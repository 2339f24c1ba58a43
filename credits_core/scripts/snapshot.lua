-- One instant of an account for verification: the balance, how many entries each known
-- score range holds, and the entries of the open ranges themselves. Writes nothing.
--
-- KEYS  1 balance  2 log  3 state
-- ARGV  1 most entries to return  2 known ranges  3 open ranges
--       4... low, high of each range, known ones first
-- Reply {'ok', now, 'set' or 'missing', balance or '', counts, folded, member, ...}
--       | {'long', now, counts, folded}: the open ranges hold more entries than asked for
--       | {'state', now, what, detail}
-- `counts` is one number a range, separated by blanks; `folded` is up to where the log was
-- folded, other after each fold, see script fold ('' before the first).
-- @use clock stored ranges

local known, open = tonumber(ARGV[2]), tonumber(ARGV[3])
local counts = count_ranges(4, known + open)
local text = table.concat(counts, ' ')
local folded = redis.pcall('HGET', KEYS[3], 'folded') or ''
if type(folded) == 'table' then
  local found, what = folded, 'state'
  -- @use wrong_type
end
if total(counts, known + 1) > tonumber(ARGV[1]) then return {'long', stamp, text, folded} end

local reply = {'ok', stamp, raw and 'set' or 'missing', raw or '', text, folded}
for i = known, known + open - 1 do
  local members = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[4 + 2 * i], ARGV[5 + 2 * i])
  for _, member in ipairs(members) do reply[#reply + 1] = member end
end
return reply
