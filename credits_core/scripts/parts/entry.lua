-- What a charge, a hold and an addition have in common, up to the question whether it may be
-- done: `member`, `key`, `fingerprint`, the `amount`, the account, its sign-up if one is due.
-- @use clock
local member, key, fingerprint = ARGV[2], ARGV[6], ARGV[7]
if key == '' then key = nil end
-- @use witness
if key then
  -- @use records
end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account touch
local amount = whole(ARGV[3])
if not amount or amount < 1 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
if ARGV[4] ~= '' then
  local signup_member, signup_credits = ARGV[4], ARGV[5]
  -- @use first_touch
end
