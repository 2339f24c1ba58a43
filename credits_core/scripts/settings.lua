-- Sets the floor of an account, or freezes it.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 floor ('' as it is)
--       3 '' as it is, 'frozen' or 'free'  4 reason of a freeze
-- Reply as script account answers, after the change | {'invalid', now, what}
-- Touches no money but what had fallen due.
-- @use clock
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use number balance account post touch sets
if ARGV[2] ~= '' then
  floor = whole(ARGV[2])
  if not floor or math.abs(floor) > MAX_AMOUNT then return {'invalid', stamp, 'floor'} end
  if floor == 0 then
    redis.call('HDEL', KEYS[3], 'floor')
  else
    redis.call('HSET', KEYS[3], 'floor', digits(floor))
  end
end
if ARGV[3] == 'frozen' then
  frozen = ARGV[4]
  redis.call('HSET', KEYS[3], 'frozen', frozen)
elseif ARGV[3] == 'free' then
  frozen = false
  redis.call('HDEL', KEYS[3], 'frozen')
end
-- @use tools
schedule()
-- @use view
