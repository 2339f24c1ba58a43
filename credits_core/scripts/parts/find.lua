-- The entry `id` of the log, decoded, or nil. Its id says when it was made (`low`, ms, with a
-- margin), so that it is among the first that follow; `exact` is the member, where the caller
-- has found it already.
local function find(id, low, exact)
  local function read(member)
    -- cjson refuses lone surrogates, which JavaScript writes, see script repair.
    local good, entry = pcall(cjson.decode, (string.gsub(member, '\\u[dD][89a-fA-F]%x%x', 'n')))
    if good and type(entry) == 'table' and entry.id == id and type(entry.amount) == 'number' then
      if type(entry.kind) ~= 'string' then entry.kind = nil end
      return entry
    end
  end
  if exact ~= '' then
    return redis.call('ZSCORE', KEYS[2], exact) and read(exact) or nil
  end
  if low == '' then return nil end
  local from = 0
  for _, size in ipairs({20, 980}) do
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], low, '+inf', 'LIMIT', from, size)) do
      local entry = string.find(member, id, 1, true) and read(member)
      if entry then return entry end
    end
    from = from + size
  end
end
