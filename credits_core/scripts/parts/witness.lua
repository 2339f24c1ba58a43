-- Exactly once. The member's bytes are fixed by the caller, so finding it in the log means
-- that this very call was executed before: no marker key, and a late first copy finds the
-- member of the retry. A caller's key is found with its record in KEYS[4..6].

-- `record` is '<operation> <amount> <action>\n<tx id> <timestamp>'.
local function recorded(key, fingerprint, now, balance)
  for i = 4, 6 do
    local record = redis.pcall('HGET', KEYS[i], key)
    if type(record) == 'table' then
      return {'state', stamp(now), 'wrong_type', 'idempotency records'}
    end
    if record then
      local same = string.sub(record, 1, #fingerprint + 1) == fingerprint .. '\n'
      return {same and 'replayed' or 'conflict', stamp(now), balance, record}
    end
  end
end

-- The answer to a call that was executed before, or a refusal, or nil.
local function repeated(member, key, fingerprint, now)
  local score = redis.pcall('ZSCORE', KEYS[2], member)
  if type(score) == 'table' then
    return {'state', stamp(now), 'wrong_type', 'log'}
  end
  if not score and not key then return nil end
  local raw, refusal = read_balance(now)
  if refusal then return refusal end
  if score then return {'ok', stamp(now), raw, stamp(tonumber(score))} end
  return recorded(key, fingerprint, now, raw or '0')
end

-- A caller that gave up leaves its command in the server's buffer: refuse it there.
-- Asked after `repeated`, so that a late copy of what happened still answers it.
local function late(deadline, now)
  if now > tonumber(deadline) then return {'late', stamp(now)} end
end
