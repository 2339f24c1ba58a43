-- Keeps who paid the charge `member`, if it was not only credits that never expire: under
-- 'paid\n<id>' in KEYS[8], '<given back so far>' and in a second line the sources.
if sources ~= '' then
  redis.call('HSET', KEYS[8], 'paid\n' .. string.match(member, '"id":"([^"]+)"'), '0\n' .. sources)
end
