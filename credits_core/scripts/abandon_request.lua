-- Forgets a request that brought no answer, so that the next begin is the first.
--
-- KEYS  1 the record of the request
-- ARGV  1 deadline (ms, server time)  2 owner
-- Reply {'ok', now}: given up, now or before | {'gone', now}: no longer this owner's to give up
--       | {'late', now} | {'state', now, what, detail}
-- Only who has the request gives it up, and nobody what is answered. That the owner did is
-- kept for a day, longer than any copy of its calls can be on its way.
-- @use clock request
local mine = owner == ARGV[2]
if mine and state == 'abandoned' then return {'ok', stamp} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end
if not mine or state ~= 'running' then return {'gone', stamp} end
record = table.concat({'abandoned', owner, '', ends, '', '', '', ''}, '\n')
redis.call('SET', KEYS[1], record, 'PX', '86400000')
return {'ok', stamp}
