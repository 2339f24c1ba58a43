-- Takes credits out of an account, once, if it has them.
--
-- KEYS  1 balance  2 log  3 state; with an idempotency key also
--       4, 5 records of charges (two generations)  6 records of additions
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 idempotency key  7 fingerprint  8 transaction id; absent without a key
-- Reply {'ok', now, balance, timestamp} | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, balance} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, and the balance at or above zero.
-- @use clock number balance account post witness records signup
local now = clock()
local member, key = ARGV[2], ARGV[6]
local answer = repeated(member, key, ARGV[7], now) or late(ARGV[1], now)
if answer then return answer end

local amount = amount_in(ARGV[3], 1)
if not amount then return {'invalid', stamp(now), 'amount'} end
local account, refusal = read_account(now)
if refusal then return refusal end

sign_up_if_due(account, ARGV[4], ARGV[5], now)
if account.balance < amount then
  return {'insufficient', stamp(now), digits(account.balance)}
end
answer = post(account, member, -amount, now)
if key then remember_charge(key, record(ARGV[7], ARGV[8], answer[4]), now) end
return answer
