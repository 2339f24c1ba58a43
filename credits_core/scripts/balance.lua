-- Answers the balance; like every touch it applies what has fallen due, and with a sign-up
-- member the first touch signs up.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 sign-up member ('' for none)  3 sign-up credits
-- Reply {'ok', now, balance, floor, 'frozen' where it is} (balance '0' for an unknown account)
--       | {'late', now} | {'state', now, what, detail}
-- Reads fractional balances too, and touches none of them.
-- @use clock number balance
local rules = redis.pcall('HMGET', KEYS[3], 'due', 'score')
if rules.err or (raw and not whole(raw)) then return {'ok', stamp, raw or '0', '0'} end
local closer = tonumber(rules[1])
-- Without a state there may be holds and grants that have lost it, see part account.
local known = closer or rules[2] or not raw
if ARGV[2] == '' and known and not (closer and closer <= now) then return {'ok', stamp, raw or '0', '0'} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use account post touch
if ARGV[2] ~= '' then
  local signup_member, signup_credits = ARGV[2], ARGV[3]
  -- @use first_touch
end
return {'ok', stamp, digits(balance), digits(floor), frozen and 'frozen' or nil}
