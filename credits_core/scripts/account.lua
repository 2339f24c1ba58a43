-- Looks at an account; like every touch it applies what has fallen due, and with a
-- sign-up member the first touch signs up.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 sign-up member ('' for none)  3 sign-up credits
-- Reply {'ok', now, balance, floor, 'frozen' or '', reason,
--        'hold <id>' or 'grant <name>', text as part hold or grants keeps it, ...}
--       | {'late', now} | {'state', now, what, detail}
-- @use clock
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use number balance account touch sets
if ARGV[2] ~= '' then
  local signup_member, signup_credits = ARGV[2], ARGV[3]
  -- @use first_touch
end
-- @use view
