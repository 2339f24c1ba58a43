-- Whether the account had its sign-up: the mark in our state; else a balance without a log;
-- else a sign-up, or a checkpoint that tells of one, among the first log entries. It need not
-- be the first: the clocks of several writers differ.
local function signed_up()
  if initialized or fresh then return true end
  for _, span in ipairs({{0, 9}, {10, 999}}) do
    for _, entry in ipairs(redis.call('ZRANGE', KEYS[2], span[1], span[2])) do
      local checkpoint = string.sub(entry, 1, 18) == '{"id":"checkpoint_'
      if checkpoint or string.find(entry, '"user_initialized"', 1, true) then
        local read, fields = pcall(cjson.decode, entry)
        if read and type(fields) == 'table' and (fields.action == 'user_initialized'
          or checkpoint and fields.initialized == true) then return true end
      end
    end
  end
  return false
end
