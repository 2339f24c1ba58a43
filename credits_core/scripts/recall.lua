-- Undoes the first half of a transfer or a merge, once its second half is ruled out for ever.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member
--       3 key and 4 record of the first half, as script send keeps them
-- Reply {'ok', now, balance, score} | {'replayed', now, balance, record or ''}: given back
--       before, or sent by an account that is gone | {'limit', now, rule, detail}
--       | {'late', now} | {'state', now, what, detail}
-- Keeps balance = sum of the log; what a grant paid goes back to it. It needs the record alone:
-- the entry may have been folded.
-- @use clock balance
local record = redis.pcall('HGET', KEYS[8], ARGV[3])
if type(record) == 'table' then
  local found, what = record, 'idempotency records'
  -- @use wrong_type
end
if record ~= ARGV[4] then return {'replayed', stamp, raw or '0', record or ''} end
if now > tonumber(ARGV[1]) then return {'late', stamp} end

-- @use number account post touch
local text, sources = string.match(record, '\n%S+ %S+ (%d+)\n([^\n]*)$')
if not text then return {'replayed', stamp, raw or '0', record} end
local amount = whole(text)
if balance + amount > MAX_BALANCE then return {'limit', stamp, 'max_balance', digits(balance)} end
if sources ~= '' then
  -- @use tools
end
if fresh then
  -- @use opening
end
local answer = post(ARGV[2], amount)
if answer.err then return answer end
redis.call('HSET', KEYS[8], ARGV[3], record .. '\nreturned')
if sources ~= '' then
  give_back(sources, amount, amount)
  -- What went back to a grant whose time has passed goes the way of the grant.
  expire()
  schedule()
end
return {'ok', stamp, digits(balance), answer[4]}
