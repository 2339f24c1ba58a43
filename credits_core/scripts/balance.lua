-- Answers the balance as it is stored; with a sign-up member, the first touch signs up.
--
-- KEYS  1 balance  2 log  3 state
-- ARGV  1 deadline (ms, server time)  2 sign-up member ('' for none)  3 sign-up credits
-- Reply {'ok', now, balance or ''} ('' for an unknown account) | {'late', now}
--       | {'state', now, what, detail}
-- Without a sign-up member it writes nothing, and reads fractional balances too.
-- @use clock number balance account post witness signup
local now = clock()
local raw, refusal = read_balance(now)
if refusal then return refusal end
if ARGV[2] ~= '' then
  local answer = late(ARGV[1], now)
  if answer then return answer end
  local account, refused = read_account(now)
  if refused and refused[3] ~= 'fractional' then return refused end
  if account then
    sign_up_if_due(account, ARGV[2], ARGV[3], now)
    raw = digits(account.balance)
  end
end
return {'ok', stamp(now), raw or ''}
