-- Gives an account its sign-up credits, once in its life.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 credits (zero or more)
-- Reply {'ok', now, balance, score} | {'exists', now, balance} | {'limit', now, rule, detail}
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log. A purchase that landed first does not cost the sign-up.
-- @use clock
local member = ARGV[2]
-- @use witness
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch signup
local credits = whole(ARGV[3])
if not credits or credits < 0 or credits > MAX_AMOUNT then return {'invalid', stamp, 'credits'} end
if signed_up() then return {'exists', stamp, digits(balance)} end
if balance + credits > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end
mark = true
return post(member, credits)
