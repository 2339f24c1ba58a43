-- Whether the account had its sign-up: the mark in our state; else a sign-up among the first
-- log entries (it need not be the first: clocks of several writers differ); else a balance
-- without a log.
local function signed_up()
  if initialized then return true end
  local first = redis.call('ZRANGE', KEYS[2], 0, 9)
  if #first == 0 then return raw and true or false end
  for _, entry in ipairs(first) do
    local read, fields = pcall(cjson.decode, entry)
    if read and type(fields) == 'table' and fields.action == 'user_initialized' then return true end
  end
  return false
end
