-- A balance that stood without a log gets it as an opening entry, so that the sum holds; it
-- had its sign-up credits when it was made.
-- @use post
mark, initialized, fresh = true, true, false
local opened = string.format('%.0f', math.floor(now))
local opening = post(string.format(
  '{"id":"tx_%s_opening","amount":%s,"action":"opening_balance","timestamp":%s,"kind":"opening"}',
  opened, digits(balance), opened), 0)
if opening.err then return opening end
