-- The entry `id` of the log, decoded, or nil. Its id says when it was made (`low`, ms, with a
-- margin), so that it is among the first that follow; `exact` is the member, where the caller
-- has found it already. What other apps may have put under our names is taken for nothing.
local function find(id, low, exact)
  local function read(member)
    -- cjson refuses lone surrogates, which JavaScript writes, see script repair.
    local good, entry = pcall(cjson.decode, (string.gsub(member, '\\u[dD][89a-fA-F]%x%x', 'n')))
    if not good or type(entry) ~= 'table' or entry.id ~= id then return nil end
    if type(entry.amount) ~= 'number' or not (math.abs(entry.amount) <= MAX_BALANCE) then return nil end
    for name, kind in pairs({kind = 'string', grant = 'string', kept = 'number'}) do
      if type(entry[name]) ~= kind then entry[name] = nil end
    end
    if entry.kept and not (entry.kept >= 0 and entry.kept <= MAX_BALANCE) then entry.kept = nil end
    return entry
  end
  if exact ~= '' then
    return redis.call('ZSCORE', KEYS[2], exact) and read(exact) or nil
  end
  if low == '' then return nil end
  local from, head = 0, '{"id":"' .. id .. '"'
  for _, size in ipairs({20, 980}) do
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], low, '+inf', 'LIMIT', from, size)) do
      local entry = string.sub(member, 1, #head) == head and read(member)
      if entry then return entry end
    end
    from = from + size
  end
end
