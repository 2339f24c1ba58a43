-- How the hold `ARGV[4]` ended, or nil: '<how>', a line feed, '<tx id> <score> <credits kept>',
-- and where it may still be settled its action in a third line. Kept as part records does.
local closed
for i = 6, 7 do
  local record = redis.pcall('HGET', KEYS[i], 'hold\n' .. ARGV[4])
  if type(record) == 'table' then
    local found, what = record, 'records of holds'
    -- @use wrong_type
  end
  closed = closed or record or nil
end
