-- Charges for work that has been done: all of it, or what lies above the floor, once a key.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 head and 3 tail of the member  4 amount (positive)
--       5 sign-up member ('' for none)  6 sign-up credits
--       7 idempotency key  8 fingerprint, that of script deduct  9 transaction id
-- Reply {'ok', now, balance, score, credits taken}
--       | {'replayed' or 'conflict', now, balance, record}
--       | {'nothing', now, balance}: there is nothing above the floor
--       | {'frozen', now, reason} | {'late', now}
--       | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log, and the balance at or above the floor.
-- @use clock
local key, fingerprint = ARGV[7], ARGV[8]
-- @use records
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account touch
local amount = whole(ARGV[4])
if not amount or amount < 1 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
if ARGV[5] ~= '' then
  local signup_member, signup_credits = ARGV[5], ARGV[6]
  -- @use first_touch
end
if frozen then return {'frozen', stamp, frozen} end
amount = math.min(amount, balance - floor)
if amount < 1 then return {'nothing', stamp, digits(balance)} end
local generation
-- @use generation
local taken = digits(amount)
local member = ARGV[2] .. '-' .. taken .. ARGV[3]
-- @use charge
-- See part records; of what was taken in part, a charge with the same key tells as much.
redis.call('HSET', KEYS[6 + generation], key,
  fingerprint .. '\n' .. ARGV[9] .. ' ' .. answer[4] .. ' ' .. taken)
-- @use pay
if changed then schedule() end
answer[5] = taken
return answer
