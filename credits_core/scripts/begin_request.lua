-- Begins a request, renews the lease of one that its owner has begun, or tells what became of it.
--
-- KEYS  1 the record of the request
-- ARGV  1 deadline (ms, server time)  2 owner  3 fingerprint  4 lease (ms)  5 id of this call
-- Reply {'ok', now, token, '1' where it was taken over or ''}: the owner has it
--       | {'running', now, ms left of another's lease} | {'replayed', now, answer}
--       | {'conflict', now}: begun with another fingerprint
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
-- One owner at a time has a request, and the token is that of the first, however often it is
-- taken over. It touches no money.
-- @use clock request
-- Not the owner, which says no more than that an earlier call of it came through.
if state == 'running' and call == ARGV[5] then return {'ok', stamp, token, again} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number
local lease = whole(ARGV[4])
if not lease or lease < 1 or lease > 3600000 then return {'invalid', stamp, 'lease'} end
if state == 'abandoned' then
  -- A copy that comes late must not begin again what its owner gave up.
  if owner == ARGV[2] then return {'invalid', stamp, 'owner'} end
  state = nil
end
if state and fingerprint ~= ARGV[3] then return {'conflict', stamp} end
if state == 'answered' then return {'replayed', stamp, string.sub(record, from)} end
if not state then
  token, again = ARGV[2], ''
elseif owner ~= ARGV[2] then
  local left = tonumber(ends) - now
  if left > 0 then return {'running', stamp, digits(math.ceil(left))} end
  again = '1'
end
ends = string.format('%.3f', now + lease)
record = table.concat({'running', ARGV[2], token, ends, again, ARGV[5], ARGV[3], ''}, '\n')
-- A day longer than the lease, for whoever takes it over.
redis.call('SET', KEYS[1], record, 'PX', digits(lease + 86400000))
return {'ok', stamp, token, again}
