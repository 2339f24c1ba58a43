-- Grants the credits of a subscription for a period, once, however often it is asked.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 name of the allowance  7 start of the period (ms)  8 transaction id
--       9 name of the grant, '' for credits that roll over without end
--       10 how much of this period rolls over, '' where its grant expires by itself or never
--       11 end of the period (ms)
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'past', now, balance, record}: a later period was granted before
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, and one grant of a capped allowance at a time.
-- The record is '<amount>', a line feed,
-- '<tx id> <score> <start of the period> <how much of it rolls over, or -> <grant>'.
-- @use clock
local member, field, start = ARGV[2], 'allowance ' .. ARGV[6], tonumber(ARGV[7])
-- @use witness
local record = redis.pcall('HGET', KEYS[3], field)
if type(record) == 'table' then
  local found, what = record, 'state'
  -- @use wrong_type
end
local granted, last_start, last_cap, last_grant
if record then
  granted, last_start, last_cap, last_grant = string.match(record,
    '^(%d+)\n%S+ %S+ (%-?%d+) (%S+) (.*)$')
  last_start = tonumber(last_start)
  if last_start >= start then
    -- @use balance
    -- A past of an account that is gone binds nobody.
    if raw then
      local status = last_start > start and 'past' or granted == ARGV[3] and 'replayed' or 'conflict'
      return {status, stamp, raw, record}
    end
  end
end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch
local amount = whole(ARGV[3])
if not amount or amount < 1 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
if ARGV[4] ~= '' then
  local signup_member, signup_credits = ARGV[4], ARGV[5]
  -- @use first_touch
end
if balance + amount > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end
local grant = ARGV[9]
if tonumber(ARGV[11]) <= now then return {'invalid', stamp, 'period'} end
-- @use sets
if grant ~= '' then
  if sizes[4] >= 1000 then return {'limit', stamp, 'max_grants', '1000'} end
end
if fresh then
  -- @use opening
end
-- @use tools
local carried, replaced = 0, {}
if last_cap and last_cap ~= '-' then
  -- One grant for all periods, whose priority may have changed in between.
  for _, name in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    if string.sub(name, 22) == string.sub(last_grant, 22) then
      carried = carried + (redis.call('HGET', KEYS[3], 'grant ' .. name) or 0)
      replaced[#replaced + 1] = name
    end
  end
  local lost = math.max(0, carried - last_cap)
  carried = carried - lost
  if lost > 0 then
    local ms = string.format('%.0f', math.floor(now))
    local trimmed = post('{"id":"' .. ARGV[8] .. '_rollover","amount":' .. digits(-lost) ..
      ',"action":"grant_expired","timestamp":' .. ms .. ',"kind":"expire","grant":"' ..
      last_grant .. '"}', -lost)
    if trimmed.err then return trimmed end
  end
end
local answer = post(member, amount)
if answer.err then return answer end
for _, name in ipairs(replaced) do take(name, MAX_BALANCE) end
redis.call('HSET', KEYS[3], field,
  ARGV[3] .. '\n' .. ARGV[8] .. ' ' .. answer[4] .. ' ' .. ARGV[7] .. ' ' ..
    (ARGV[10] == '' and '-' or ARGV[10]) .. ' ' .. grant)
if grant ~= '' then
  -- What rolled over into a period that has no cap of its own stays for good. A debt is paid
  -- first.
  if ARGV[10] == '' then carried = 0 end
  local worth = math.min(carried + amount, math.max(0, balance))
  if worth > 0 then give(grant, worth) end
end
schedule()
return answer
