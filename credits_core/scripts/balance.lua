-- Answers the balance as it is stored; with a sign-up member, the first touch signs up.
--
-- KEYS  1 balance  2 log  3 state
-- ARGV  1 deadline (ms, server time)  2 sign-up member ('' for none)  3 sign-up credits
-- Reply {'ok', now, balance} ('0' for an unknown account) | {'late', now}
--       | {'state', now, what, detail}
-- Reads fractional balances too, and signs none of them up.
-- @use clock number balance
if ARGV[2] == '' or (raw and not whole(raw)) then return {'ok', stamp, raw or '0'} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use account post
local signup_member, signup_credits = ARGV[2], ARGV[3]
-- @use first_touch
return {'ok', stamp, digits(balance)}
