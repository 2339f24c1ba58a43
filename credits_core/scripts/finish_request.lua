-- Keeps the answer to a request, for whoever asks again.
--
-- KEYS  1 the record of the request
-- ARGV  1 deadline (ms, server time)  2 owner  3 answer  4 how long to keep it (ms)
-- Reply {'ok', now}: kept, now or before | {'gone', now}: no longer this owner's to answer
--       | {'late', now} | {'state', now, what, detail} | {'invalid', now, what}
-- An answer is never another: only who has the request gives one, and once.
-- @use clock request
local mine = owner == ARGV[2]
if mine and state == 'answered' and string.sub(record, from) == ARGV[3] then return {'ok', stamp} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number
local keep = whole(ARGV[4])
if not keep or keep < 1 or keep > 2592000000 then return {'invalid', stamp, 'keep'} end
if #ARGV[3] > 1048576 then return {'invalid', stamp, 'answer'} end
if not mine or state ~= 'running' then return {'gone', stamp} end
record = table.concat({'answered', owner, token, ends, again, call, fingerprint, ARGV[3]}, '\n')
redis.call('SET', KEYS[1], record, 'PX', digits(keep))
return {'ok', stamp}
