-- Takes `amount` out as the entry `member`, after every check has passed. Sets `answer`, and
-- `sources`, the grants that paid.
if fresh then
  -- @use opening
end
local sources = ''
if live then
  -- @use payer
end
local change = -amount
-- @use write
if live then
  -- @use burned
end
