-- The first half of a transfer or a merge: takes credits out, with the grants they came from.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 head and 3 tail of the member
--       4 amount, or 'all' of the balance
--       5 key, of a merge a family and its number  6 fingerprint  7 transaction id
--       8 sign-up member ('' for none)  9 sign-up credits
-- Reply {'ok', now, balance, record}: now taken out
--       | {'replayed' or 'conflict', now, balance, record}
--       | {'nothing', now, balance}: all of nothing
--       | {'insufficient', now, available} | {'frozen', now, reason} | {'late', now}
--       | {'state', now, what, detail} | {'invalid', now, what}
-- Keeps balance = sum of the log. The record stays for ever, so that a rerun can complete the
-- other half: '<fingerprint>', a line feed, '<tx id> <score> <amount>', a line feed, who paid;
-- in the end a fourth line, 'received' or 'returned'.
-- @use clock
local key, fingerprint = ARGV[5], ARGV[6]
-- @use records
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number balance account post touch
if ARGV[8] ~= '' then
  local signup_member, signup_credits = ARGV[8], ARGV[9]
  -- @use first_touch
end
local amount
if ARGV[4] == 'all' then
  amount = math.max(0, balance)
  if amount == 0 then return {'nothing', stamp, digits(balance)} end
  if frozen then return {'frozen', stamp, frozen} end
else
  amount = whole(ARGV[4])
  if not amount or amount < 1 or amount > MAX_AMOUNT then return {'invalid', stamp, 'amount'} end
  -- @use afford
end
if fresh then
  -- @use opening
end
local text, sources = digits(amount), ''
if live then
  -- @use tools
end
local answer = post(ARGV[2] .. '-' .. text .. ARGV[3], -amount)
if answer.err then return answer end
if live then sources = burn(amount) end
local record = fingerprint .. '\n' .. ARGV[7] .. ' ' .. answer[4] .. ' ' .. text .. '\n' .. sources
redis.call('HSET', KEYS[8], key, record)
if ARGV[4] == 'all' then redis.call('HSET', KEYS[8], string.match(key, '^(.*\n)(%d+)$')) end
if changed then schedule() end
return {'ok', stamp, raw, record}
