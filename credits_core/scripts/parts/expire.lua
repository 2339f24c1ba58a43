-- Applies what has fallen due: a hold gives its credits back, a grant loses what remains. All
-- in a few commands, however many they are.
expire = function()
  local entries, grants, gone, closed = {}, {}, {}, {}
  local whole_ms, ms, head
  local function enter(kind, name, amount, action)
    local score = last and last >= now and last + 2 ^ -10 or now
    -- What the entries of a millisecond have in common is made once.
    if math.floor(score) ~= whole_ms then
      whole_ms = math.floor(score)
      ms = string.format('%.0f', whole_ms)
      head = 'tx_' .. ms .. '_expiry'
    end
    -- Four places tell all scores apart: doubles of this size go in steps of 2^-12.
    local places = string.format('%04.0f', (score - whole_ms) * 10000)
    local id, at = head .. places, ms .. '.' .. places
    entries[#entries + 1] = at
    entries[#entries + 1] = '{"id":"' .. id .. '","amount":' .. digits(amount) .. ',"action":' ..
      action .. ',"timestamp":' .. ms .. ',"kind":"expire","' .. kind .. '":"' .. name .. '"}'
    last, balance = score, balance + amount
    return id, at
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
  local remaining, back, names = {}, {}, {}
  local function collect(name, amount)
    if not back[name] then names[#names + 1] = name end
    back[name] = (back[name] or 0) + amount
  end
  for i, field in ipairs(due) do
    local kind, name = string.match(field, '^(%l+) (.+)')
    local text = kept[i]
    if kind == 'grant' then
      gone[#gone + 1], grants[#grants + 1] = field, name
      remaining[name] = text
    elseif not text then
      -- Its state is gone.
      gone[#gone + 1] = field
    elseif kind == 'hold' then
      -- @use hold
      if balance + held <= MAX_BALANCE then
        local id, at = enter('hold', name, held, action)
        claim_back(claims, sources, held, held, collect)
        gone[#gone + 1] = field
        closed[#closed + 1] = 'hold\n' .. name
        closed[#closed + 1] = 'expire\n' .. id .. ' ' .. at .. ' 0\n' .. action
      end
    end
  end
  for _, name in ipairs(grants) do
    if remaining[name] then
      lapse(name, remaining[name] + (back[name] or 0))
      back[name] = nil
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
