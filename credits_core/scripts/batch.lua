-- Several charges, or several additions, on one account: all of them or none.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 sign: '-1' charges, '1' additions
--       3 idempotency key ('' for none)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 fingerprint  7 transaction id of the first
--       8... member, amount (positive) of each
-- Reply {'ok', now, balance, score of the first or, told again, of it}
--       | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, available} | {'frozen', now, reason}
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, the balance at or above the floor, and all or nothing.
-- @use clock
local member, key, fingerprint = ARGV[8], ARGV[3], ARGV[6]
if key == '' then key = nil end
-- @use witness
if key then
  -- @use records
end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch
local amount, amounts = 0, {}
for i = 9, #ARGV, 2 do
  local one = whole(ARGV[i])
  if not one or one < 1 or one > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
  amounts[#amounts + 1] = one
  amount = amount + one
end
if ARGV[4] ~= '' then
  local signup_member, signup_credits = ARGV[4], ARGV[5]
  -- @use first_touch
end
local sign = tonumber(ARGV[2])
if sign < 0 then
  -- @use afford
elseif balance + amount > MAX_BALANCE then
  return {'limit', stamp, 'max_balance', digits(balance)}
elseif key and redis.call('HEXISTS', KEYS[8], 'revoke\n' .. key) == 1 then
  -- It was revoked before it came, and which of these is meant cannot be told.
  return {'limit', stamp, 'revoked', key}
end
local generation
if key then
  -- @use generation
end
if fresh then
  -- @use opening
end
local burns = live and sign < 0
if burns then
  -- @use tools
end
local first_score
for i, amount in ipairs(amounts) do
  local member, sources = ARGV[6 + 2 * i], ''
  local answer = post(member, sign * amount)
  if answer.err then return answer end
  if burns then sources = burn(amount) end
  first_score = first_score or answer[4]
  -- @use pay
end
if key then
  local records = sign < 0 and KEYS[6 + generation] or KEYS[8]
  redis.call('HSET', records, key, fingerprint .. '\n' .. ARGV[7] .. ' ' .. first_score)
end
if changed then schedule() end
return {'ok', stamp, raw, first_score}
