-- Live grants. A name, '<priority + 1000> <expires> <id>', padded, says all that is fixed, so
-- that the order of names is the order of burning. KEYS[4] holds the names in that order,
-- KEYS[5] says when each, as 'grant <name>', falls due, beside the holds; state holds what
-- remains of it under the same 'grant <name>'. Nothing remaining, no grant. What comes back to
-- more grants than there may be stays for good: a thousand bound every loop.
give = function(name, amount)
  local field = 'grant ' .. name
  local before = redis.call('HGET', KEYS[3], field)
  if not before and redis.call('ZCARD', KEYS[4]) >= 1000 then return end
  redis.call('HSET', KEYS[3], field, digits((before or 0) + amount))
  if before then return end
  changed = true
  redis.call('ZADD', KEYS[4], 0, name)
  redis.call('ZADD', KEYS[5], string.sub(name, 6, 20), field)
end

-- Takes up to `amount` out of one grant and answers how much.
take = function(name, amount)
  local field = 'grant ' .. name
  local left = redis.call('HINCRBY', KEYS[3], field, digits(-amount))
  if left > 0 then return amount end
  changed = true
  redis.call('ZREM', KEYS[4], name)
  redis.call('ZREM', KEYS[5], field)
  redis.call('HDEL', KEYS[3], field)
  return amount + left
end

-- Takes `amount` out of the live grants as far as they go; what they do not cover is paid by
-- the credits that never expire. Answers who paid, '<name>=<amount> ...', in that order.
burn = function(amount)
  local sources = {}
  while live and amount > 0 do
    local name = not changed and first or redis.call('ZRANGE', KEYS[4], 0, 0)[1]
    if not name then break end
    local part = take(name, amount)
    amount = amount - part
    sources[#sources + 1] = name .. '=' .. digits(part)
  end
  return table.concat(sources, ' ')
end

-- Gives `back` of the `total` credits that `sources` paid, once they are in the balance: what
-- no grant paid comes first, then the grants, the last that paid first; a debt comes before
-- all. Answers who still pays the rest; `to` is told what goes where, instead of give.
-- The tables are made once: a thousand holds may end in one call.
local names, parts = {}, {}
give_back = function(sources, total, back, to)
  local paid, granted, still = 0, 0, 0
  for name, part in string.gmatch(sources, '(%d[^=]+)=(%d+)') do
    paid = paid + 1
    names[paid], parts[paid] = name, tonumber(part)
    granted = granted + part
  end
  local room = balance < back and math.max(0, balance) or back
  back = back - (total - granted)
  for i = paid, 1, -1 do
    local part = math.max(0, math.min(parts[i], back))
    back = back - part
    parts[i] = parts[i] - part
    if still == 0 and parts[i] > 0 then still = i end
    part = math.min(part, room)
    room = room - part
    if part > 0 then (to or give)(names[i], part) end
  end
  if still == 0 then return '' end
  local left = {}
  for i = 1, still do left[i] = names[i] .. '=' .. digits(parts[i]) end
  return table.concat(left, ' ')
end

-- Notes when a touch has to look closer again: always while there are grants, a floor or a
-- freeze, else when the next hold expires. `seen` is the balance that we left: what others
-- spend meanwhile is told by the difference. `first` is the grant that burns first.
schedule = function()
  first = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
  live, changed = first ~= nil, false
  local following = redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
  local closer = (live or floor ~= 0 or frozen) and '0' or following
  local set, gone = {}, {}
  local function note(field, value)
    if value then
      set[#set + 1] = field
      set[#set + 1] = value
    else
      gone[#gone + 1] = field
    end
  end
  note('due', closer)
  note('next', following)
  note('first', first)
  note('seen', live and digits(balance))
  if #set > 0 then redis.call('HSET', KEYS[3], unpack(set)) end
  if #gone > 0 then redis.call('HDEL', KEYS[3], unpack(gone)) end
end
