-- Puts credits into an account, once; as a grant if they expire.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (positive)
--       4 sign-up member ('' for none)  5 sign-up credits
--       6 idempotency key ('' for none)  7 fingerprint  8 transaction id; absent without a key
--       9 name of the grant, absent for credits that never expire
-- Reply {'ok', now, balance, score} | {'replayed' or 'conflict', now, balance, record}
--       | {'limit', now, rule, detail} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log, the balance at or below 2^53-1, and at most 1,000 grants.
-- @use entry
if balance + amount > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end
local grant = ARGV[9]
if grant then
  if tonumber(string.sub(grant, 6, 20)) <= now then return {'invalid', stamp, 'expiry'} end
  -- @use sets
  if sizes[4] >= 1000 then return {'limit', stamp, 'max_grants', '1000'} end
end
if fresh then
  -- @use opening
end
local announced = key and redis.call('HGET', KEYS[8], 'revoke\n' .. key)
if grant or announced then
  -- @use tools
end
local change = amount
-- @use write
if key then
  -- See part records. A payment may be announced again after any time: for ever.
  redis.call('HSET', KEYS[8], key, fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4])
end
if grant then
  -- A debt is paid first.
  if balance > 0 then give(grant, math.min(amount, balance)) end
  schedule()
end
if announced then
  -- It was revoked before it came.
  -- @use post returned take_back
  for id, asked, head, tail in string.gmatch(announced, '(%S+) (%S*)\n([^\n]*)\n([^\n]*)\n') do
    tail = string.sub(tail, 1, -2) .. ',"ref":"' .. ARGV[8] .. '"}'
    local taken = take_back(id, ARGV[8], amount, grant, tonumber(asked), head, tail)
    if taken.err then return taken end
    answer[3] = taken[3]
  end
  redis.call('HDEL', KEYS[8], 'revoke\n' .. key)
  if changed then schedule() end
end
return answer
