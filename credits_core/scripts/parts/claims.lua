-- What was on hold when an addition was revoked is claimed by the revocation: it is taken when the
-- hold gives it back, so that nobody has it in between, and never if the work uses it. A claim is a
-- line of the hold: '<credits>', '<revocation>', '<addition>' and '<grant that paid, if one did>',
-- with tabs between. `owed` keeps what each revocation gets until all else is written.
local owed, claimants = {}, {}

-- What the balance holds beside grants and floor.
spare = function()
  local there = balance - math.max(0, floor)
  for _, name in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    there = there - (redis.call('HGET', KEYS[3], 'grant ' .. name) or 0)
  end
  return math.max(0, there)
end

-- As part grants' give_back, of a hold with `claims`: they come first.
claim_back = function(claims, sources, total, back, to)
  if claims == '' then return (give_back(sources, total, back, to)) end
  local returned, loose = {}, 0
  sources, loose = give_back(sources, total, back, function(name, part)
    returned[name] = (returned[name] or 0) + part;
    (to or give)(name, part)
  end)
  returned[''] = loose
  for part, revocation, addition, grant in string.gmatch(claims, '\n(%d+)\t([^\t]*)\t([^\t]*)\t([^\n]*)') do
    local one = owed[revocation]
    if not one then
      one = {addition = addition, grant = grant, claimed = 0, due = 0}
      owed[revocation], claimants[#claimants + 1] = one, revocation
    end
    local due = math.min(tonumber(part), returned[grant] or 0)
    returned[grant] = (returned[grant] or 0) - due
    one.claimed, one.due = one.claimed + part, one.due + due
  end
  return sources
end

-- What was claimed of an addition and was not taken can be revoked again.
unclaim = function(addition, amount)
  local field = 'paid\n' .. addition
  local so_far, rest = string.match(redis.call('HGET', KEYS[8], field) or '', '^(%d+)(.*)$')
  if so_far then redis.call('HSET', KEYS[8], field, digits(so_far - amount) .. rest) end
end

-- Takes what is owed to revocations, an entry each.
redeem = function()
  if #claimants == 0 then return end
  -- @use post
  local room = spare()
  for _, revocation in ipairs(claimants) do
    local one = owed[revocation]
    local there = room
    if one.grant ~= '' then
      there = tonumber(redis.call('HGET', KEYS[3], 'grant ' .. one.grant) or '0')
    end
    local amount = math.min(one.due, there)
    if amount > 0 then
      local score = last and last >= now and last + 2 ^ -10 or now
      local ms = string.format('%.0f', math.floor(score))
      local taken = post(string.format(
        '{"id":"tx_%s_claim%04.0f","amount":%s,"action":"revoke","timestamp":%s,"kind":"revoke","ref":"%s"}',
        ms, (score - math.floor(score)) * 10000, digits(-amount), ms, revocation), -amount)
      if taken.err then error(taken.err) end
      if one.grant == '' then room = room - amount else take(one.grant, amount) end
      local field = 'claimed\n' .. revocation
      redis.call('HSET', KEYS[8], field, digits((redis.call('HGET', KEYS[8], field) or 0) + amount))
    end
    if amount < one.claimed then unclaim(one.addition, one.claimed - amount) end
  end
  owed, claimants = {}, {}
end
