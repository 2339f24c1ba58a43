-- A caller's `key` is kept with its request and its transaction, in KEYS[6..8]:
-- '<operation> <amount> <action>\n<tx id> <timestamp>'. The first line is the fingerprint.
for i = 6, 8 do
  local record = redis.pcall('HGET', KEYS[i], key)
  if type(record) == 'table' then
    local found, what = record, 'idempotency records'
    -- @use wrong_type
  end
  if record then
    -- @use balance
    local same = string.sub(record, 1, #fingerprint + 1) == fingerprint .. '\n'
    return {same and 'replayed' or 'conflict', stamp, raw or '0', record}
  end
end
