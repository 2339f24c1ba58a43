-- Ends a hold: keeps what the work cost and gives the rest back, once.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 head and 3 tail of the member  4 hold
--       5 amount (zero or more)  6 shortfall: 'refuse', 'take' or 'owe'
--       7 of a hold that has expired: 'refuse' or 'charge'
--       8 fingerprint: 'settle <amount>' or 'release'  9 transaction id
-- Reply {'ok', now, balance, score, credits kept} | {'closed', now, balance, record or ''}
--       | {'replayed', now, balance, record} | {'insufficient', now, available}
--       | {'frozen', now, reason} | {'limit', now, rule, detail} | {'late', now}
--       | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log, and what was held = what is kept + what comes back.
-- @use clock balance closed
if closed and string.sub(closed, 1, #ARGV[8] + 1) == ARGV[8] .. '\n' then
  return {'replayed', stamp, raw or '0', closed}
end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number account post touch
local amount = whole(ARGV[5])
if not amount or amount < 0 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
local field = 'hold ' .. ARGV[4]
local text = redis.call('HGET', KEYS[3], field)
if not text then
  -- The touch may have closed it just now.
  -- @use closed
  local late = closed and ARGV[7] == 'charge' and string.match(closed, '^expire\n[^\n]*\n(.*)$')
  if not late then return {'closed', stamp, raw or '0', closed or ''} end
  text = '0 0 \n' .. late
end
-- @use hold
local more = amount - held
if more > 0 then
  local room = frozen and 0 or math.max(0, balance - floor)
  if ARGV[6] == 'take' then
    more = math.min(more, room)
  elseif frozen then
    return {'frozen', stamp, frozen}
  elseif ARGV[6] == 'refuse' and more > room then
    return {'insufficient', stamp, digits(balance - floor), digits(more)}
  end
end
if math.abs(balance - more) > MAX_BALANCE then
  return {'limit', stamp, 'max_balance', digits(balance)}
end

-- @use tools joined
local generation
-- @use generation
if fresh then
  -- @use opening
end
local kept = digits(held + more)
local answer = post(ARGV[2] .. digits(-more) .. ',"action":' .. action .. ARGV[3] .. kept .. '}', -more)
if answer.err then return answer end
redis.call('HDEL', KEYS[3], field)
redis.call('ZREM', KEYS[5], field)
sources = claim_back(claims, sources, held, math.max(0, -more))
if more > 0 then sources = joined(sources, burn(more)) end
if sources ~= '' then redis.call('HSET', KEYS[8], 'paid\n' .. ARGV[9], '0\n' .. sources) end
-- An expiry of the other generation must not be found before this.
redis.call('HDEL', KEYS[7 - generation], 'hold\n' .. ARGV[4])
redis.call('HSET', KEYS[6 + generation], 'hold\n' .. ARGV[4],
  ARGV[8] .. '\n' .. ARGV[9] .. ' ' .. answer[4] .. ' ' .. kept)
-- What went back to a grant whose time has passed goes the way of the grant.
expire()
redeem()
schedule()
return {'ok', stamp, digits(balance), answer[4], kept}
