-- Replaces old entries by a checkpoint that carries their sum.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 a name that no other call has
--       3... the entries, which the caller has archived, and checkpoints that it met
-- Reply {'ok', now, score of the checkpoint} | {'changed', now}: read it again
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
--       | {'limit', now, rule, sum}
-- Keeps the sum of the log as it was. Entries of open holds stay, and those younger than the
-- records of charges.
-- @use clock
-- '<score of the checkpoint> <entries in it> <name of the call>': two folds up to the same score
-- are told apart, and this very call is seen again.
local folded = redis.pcall('HGET', KEYS[3], 'folded') or ''
if type(folded) == 'table' then
  local found, what = folded, 'state'
  -- @use wrong_type
end
if string.match(folded, '%S*$') == ARGV[2] then return {'ok', stamp, string.match(folded, '^%S+')} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use number balance account post touch
-- A minute less: callers estimate our time.
local YOUNGEST_MS = 30 * 24 * 3600 * 1000 - 60000
local gone, seen, paid, holds = {}, {}, {}, {}
local total, count, at, signed = 0, 0, nil, initialized ~= false

local function is_open(hold)
  if type(hold) ~= 'string' then return false end
  if holds[hold] == nil then holds[hold] = redis.call('HEXISTS', KEYS[3], 'hold ' .. hold) == 1 end
  return holds[hold]
end

-- Whether it is one of ours: other apps may write any field.
local function is_checkpoint(entry)
  local entries = entry.kind == 'checkpoint' and entry.entries
  return type(entries) == 'number' and entries >= 1 and entries <= MAX_BALANCE
    and entries == math.floor(entries) and string.sub(tostring(entry.id), 1, 11) == 'checkpoint_'
end

-- Puts a member to those that go; answers why it cannot.
local function take_out(member)
  if seen[member] then return end
  seen[member] = true
  local score = redis.call('ZSCORE', KEYS[2], member)
  if not score then return {'changed', stamp} end
  if not (tonumber(score) <= now - YOUNGEST_MS) then return {'invalid', stamp, 'age'} end
  -- cjson refuses lone surrogates, which JavaScript writes, see script repair.
  local text = string.gsub(member, '\\u[dD][89a-fA-F]%x%x', 'n')
  local read, entry = pcall(cjson.decode, text)
  local amount = read and type(entry) == 'table' and entry.amount
  if type(amount) ~= 'number' or not (math.abs(amount) <= MAX_BALANCE)
    or tonumber(score) < -MAX_BALANCE then
    return {'state', stamp, 'malformed_entry', string.sub(member, 1, 80)}
  end
  if amount ~= math.floor(amount) then return {'state', stamp, 'fractional', tostring(amount)} end
  if is_open(entry.hold or (entry.kind == 'hold' and entry.id)) then return {'changed', stamp} end
  total = total + amount
  if math.abs(total) > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(total)} end
  if is_checkpoint(entry) then
    count = count + entry.entries
    signed = signed or entry.initialized == true
  else
    count = count + 1
    if type(entry.id) == 'string' then paid[#paid + 1] = 'paid\n' .. entry.id end
  end
  signed = signed or entry.action == 'user_initialized'
  gone[#gone + 1] = member
  if not at or tonumber(score) > tonumber(at) then at = score end
end

-- The last checkpoint becomes part of the next: its sum first, so that what follows are balances
-- as they once were. No checkpoint stands below the last: who sums a log in parts has to look
-- again up to there alone.
local refused
folded = string.match(folded, '^%S+')
for _, member in ipairs(folded and
    redis.call('ZRANGEBYSCORE', KEYS[2], folded, folded, 'LIMIT', 0, 1000) or {}) do
  local found = string.find(member, '{"id":"checkpoint_', 1, true) == 1
  refused = refused or (found and take_out(member))
end
for i = 3, #ARGV do refused = refused or take_out(ARGV[i]) end
if refused then return refused end
if not at then return {'changed', stamp} end
if folded and tonumber(folded) > tonumber(at) then at = folded end

local ms = string.format('%.0f', math.floor(at))
local open = redis.call('ZRANGE', KEYS[5], 0, -1)
local kept = #open > 0 and redis.call('HMGET', KEYS[3], unpack(open)) or {}
local parts = {}
for i, field in ipairs(open) do
  parts[i] = cjson.encode({field, kept[i] or ''})
end
local checkpoint = '{"id":"checkpoint_' .. ms .. '_' .. digits(count) .. '","amount":' .. digits(total) ..
  ',"action":"checkpoint","timestamp":' .. ms .. ',"kind":"checkpoint","entries":' .. digits(count) ..
  ',"initialized":' .. tostring(signed) .. ',"as_of":' .. (last and string.format('%.17g', last) or '0') ..
  ',"open":[' .. table.concat(parts, ',') .. ']}'

-- A refund of these days keeps its record, for its own second try.
local forgotten = {}
for i, record in ipairs(#paid > 0 and redis.call('HMGET', KEYS[8], unpack(paid)) or {}) do
  local returned = record and string.match(record, '^%S+ %S+ (%S+)')
  if record and not (returned and tonumber(returned) > now - YOUNGEST_MS) then
    forgotten[#forgotten + 1] = paid[i]
  end
end

redis.call('ZREM', KEYS[2], unpack(gone))
redis.call('ZADD', KEYS[2], at, checkpoint)
if #forgotten > 0 then redis.call('HDEL', KEYS[8], unpack(forgotten)) end
if signed and not initialized then redis.call('HSET', KEYS[3], 'initialized', '1') end
redis.call('HSET', KEYS[3], 'folded', at .. ' ' .. digits(count) .. ' ' .. ARGV[2])
return {'ok', stamp, at}
