-- Grants pay `amount` of the charge `member` as far as they go, and it is kept who paid what:
-- under 'paid\n<id>' in KEYS[8], '<given back so far>' and in a second line the sources.
local sources
if first and not changed and redis.call('HINCRBY', KEYS[3], 'grant ' .. first, digits(-amount)) > 0 then
  sources = first .. '=' .. digits(amount)
else
  if first and not changed then
    redis.call('HINCRBY', KEYS[3], 'grant ' .. first, digits(amount))
  end
  -- @use tools
  sources = burn(amount)
end
if sources ~= '' then
  redis.call('HSET', KEYS[8], 'paid\n' .. string.match(member, '"id":"([^"]+)"'), '0\n' .. sources)
end
if changed then schedule() end
