-- Gives an open hold more credits, more time, or both.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 amount (zero or more)
--       4 hold  5 expires (ms; '' as it was)
--       6 idempotency key ('' for none)  7 fingerprint  8 transaction id
-- Reply {'ok', now, balance, score, credits held, expires}
--       | {'replayed' or 'conflict', now, balance, record}
--       | {'insufficient', now, available} | {'frozen', now, reason}
--       | {'closed', now, balance, record or ''} | {'late', now} | {'state', now, what, detail}
--       | {'invalid', now, what}
-- Keeps balance = sum of the log; a hold never ends earlier than it was told before.
-- @use clock
local member, field = ARGV[2], 'hold ' .. ARGV[4]
local key, fingerprint = ARGV[6], ARGV[7]
if key == '' then key = nil end
if key then
  -- @use records
end
local before = redis.pcall('ZSCORE', KEYS[2], member)
if type(before) == 'table' then
  local found, what = before, 'log'
  -- @use wrong_type
end
if not before and now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use sets number balance account post
local text
if before then
  -- This very call was executed before.
  text = redis.call('HGET', KEYS[3], field)
else
  -- @use touch
  text = redis.call('HGET', KEYS[3], field)
  if text then
    -- @use hold
    local amount = whole(ARGV[3])
    if not amount or amount < 0 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
    if amount > 0 then
      -- @use afford
    end
    local later = math.max(tonumber(expires), tonumber(ARGV[5]) or 0)
    local generation
    if key then
      -- @use generation
    end
    local answer = post(member, -amount)
    if answer.err then return answer end
    before = answer[4]
    -- @use tools
    local more = burn(amount)
    if sources ~= '' and more ~= '' then sources = sources .. ' ' .. more else sources = sources .. more end
    text = digits(held + amount) .. ' ' .. digits(later) .. ' ' .. sources .. '\n' .. action
    redis.call('HSET', KEYS[3], field, text)
    redis.call('ZADD', KEYS[5], digits(later), field)
    schedule()
    if key then
      -- See part records; a hold adds what it holds and when it expires.
      redis.call('HSET', KEYS[6 + generation], key, fingerprint .. '\n' .. ARGV[8] .. ' ' .. before ..
        ' ' .. digits(later) .. ' ' .. digits(held + amount))
    end
  end
end
if not text then
  -- @use closed
  return {'closed', stamp, raw or '0', closed or ''}
end
-- @use hold
return {'ok', stamp, raw, before, digits(held), expires}
