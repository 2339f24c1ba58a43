-- Applies what has fallen due: a hold gives its credits back, a grant loses what remains. All
-- in a few commands, however many they are.
expire = function()
  local entries, grants, gone, closed = {}, {}, {}, {}
  local function enter(kind, name, amount, action)
    local score, at = now, stamp
    if last and last >= now then
      score = last + 2 ^ -10
      at = string.format('%.17g', score)
    end
    local ms = string.format('%.0f', math.floor(score))
    local id = string.format('tx_%s_expiry%03x', ms, (score % 1) * 4096)
    entries[#entries + 1] = at
    entries[#entries + 1] = '{"id":"' .. id .. '","amount":' .. digits(amount) .. ',"action":' ..
      action .. ',"timestamp":' .. ms .. ',"kind":"expire","' .. kind .. '":"' .. name .. '"}'
    last, balance = score, balance + amount
    return id .. ' ' .. at
  end

  local function lapse(name, amount)
    enter('grant', string.sub(name, 22), -amount, '"grant_expired"')
  end

  local due, kept = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', stamp), {}
  for i = 1, #due, 1000 do
    local some = redis.call('HMGET', KEYS[3], unpack(due, i, math.min(i + 999, #due)))
    for _, text in ipairs(some) do kept[#kept + 1] = text end
  end

  -- Holds first: what they give back may go to grants that have fallen due themselves.
  local back, names = {}, {}
  local function collect(name, amount)
    if not back[name] then names[#names + 1] = name end
    back[name] = (back[name] or 0) + amount
  end
  for i, field in ipairs(due) do
    local id, text = string.match(field, '^hold (.+)'), kept[i]
    if not text then
      -- Its state is gone.
      gone[#gone + 1] = field
      grants[#grants + 1] = string.match(field, '^grant (.+)')
    elseif id then
      -- @use hold
      if balance + held <= MAX_BALANCE then
        local posted = enter('hold', id, held, action)
        give_back(sources, held, held, collect)
        gone[#gone + 1] = field
        closed[#closed + 1] = 'hold\n' .. id
        closed[#closed + 1] = 'expire\n' .. posted .. ' 0\n' .. action
      end
    end
  end
  for i, field in ipairs(due) do
    local name = string.match(field, '^grant (.+)')
    if name and kept[i] then
      lapse(name, kept[i] + (back[name] or 0))
      back[name] = nil
      gone[#gone + 1] = field
      grants[#grants + 1] = name
    end
  end
  for _, name in ipairs(names) do
    if back[name] and tonumber(string.sub(name, 6, 20)) <= now then
      lapse(name, back[name])
      back[name] = nil
    end
  end
  changed = changed or #gone > 0
  -- @use all
  if #entries == 0 then
    all('ZREM', KEYS[4], grants)
    return all('ZREM', KEYS[5], gone)
  end
  -- As in part write: what the server's access rules forbid must not leave half of it behind.
  local generation
  if #closed > 0 then
    -- @use generation
  end
  local before = raw
  raw = digits(balance)
  redis.call('HSET', KEYS[3], 'score', entries[#entries - 1])
  redis.call('SET', KEYS[1], raw)
  local added, why = pcall(all, 'ZADD', KEYS[2], entries)
  if not added then
    redis.call('SET', KEYS[1], before)
    error(why)
  end
  if #closed > 0 then all('HSET', KEYS[6 + generation], closed) end
  all('HDEL', KEYS[3], gone)
  all('ZREM', KEYS[5], gone)
  all('ZREM', KEYS[4], grants)
  for _, name in ipairs(names) do
    if back[name] then give(name, back[name]) end
  end
end
