-- Gives an account its sign-up credits, once in its life.
--
-- KEYS  1 balance  2 log  3 state
-- ARGV  1 deadline (ms, server time)  2 member  3 credits (zero or more)
-- Reply {'ok', now, balance, timestamp} | {'exists', now, balance} | {'limit', now, balance}
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log. A purchase that landed first does not cost the sign-up.
-- @use clock number balance account post witness signup
local now = clock()
local answer = repeated(ARGV[2], nil, nil, now) or late(ARGV[1], now)
if answer then return answer end

local credits = amount_in(ARGV[3], 0)
if not credits then return {'invalid', stamp(now), 'credits'} end
local account, refusal = read_account(now)
if refusal then return refusal end

if signed_up(account) then return {'exists', stamp(now), digits(account.balance)} end
if account.balance + credits > MAX_BALANCE then
  return {'limit', stamp(now), digits(account.balance)}
end
account.mark = true
return post(account, ARGV[2], credits, now)
