-- What is on hold when an addition is revoked is claimed: the revocation takes it when the hold gives
-- it back, so that nobody has it in between, and never if the work uses it. A claim is a line of the
-- hold: '<credits>', '<revocation>', '<addition>', '<grant that paid, if one did>', tabs between.
CLAIM = '\n(%d+)\t([^\t]*)\t([^\t]*)\t([^\n]*)'
local owed, claimants = {}, {}

-- What the balance holds beside grants and floor.
spare = function()
  local there = balance - math.max(0, floor)
  for _, name in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    there = there - (redis.call('HGET', KEYS[3], 'grant ' .. name) or 0)
  end
  return math.max(0, there)
end

-- As give_back, for a hold: of what comes back its claims come first. They are noted in `owed`, by
-- revocation, and paid by redeem.
claim_back = function(claims, sources, total, back, to)
  if claims == '' then return give_back(sources, total, back, to) end
  -- What no grant paid comes back first, and no more than that is claimed without a grant.
  local returned, hand = {[''] = back}, to or give
  sources = give_back(sources, total, back, function(name, part)
    returned[name] = (returned[name] or 0) + part
    hand(name, part)
  end)
  for part, revocation, addition, grant in string.gmatch(claims, CLAIM) do
    local one = owed[revocation]
    if not one then
      one = {addition = addition, grant = grant, claimed = 0, due = 0}
      owed[revocation], claimants[#claimants + 1] = one, revocation
    end
    local due = math.min(part, returned[grant] or 0)
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

-- Takes what is owed, once all else is written: an entry a revocation.
redeem = function()
  if #claimants == 0 then return end
  -- @use post
  local room = spare()
  for _, revocation in ipairs(claimants) do
    local one, there = owed[revocation], room
    if one.grant ~= '' then there = redis.call('HGET', KEYS[3], 'grant ' .. one.grant) or 0 end
    local amount = math.min(one.due, there)
    if amount > 0 then
      local score = last and last >= now and last + 2 ^ -10 or now
      local ms = string.format('%.0f', math.floor(score))
      local taken = post(string.format('{"id":"tx_%s_claim%04.0f","amount":%s,"action":"revoke",' ..
        '"timestamp":%s,"kind":"revoke","ref":"%s"}', ms, (score - math.floor(score)) * 10000,
        digits(-amount), ms, revocation), -amount)
      if taken.err then error(taken.err) end
      if one.grant == '' then room = room - amount else take(one.grant, amount) end
      local field = 'claimed\n' .. revocation
      local before = redis.call('HGET', KEYS[8], field) or 0
      redis.call('HSET', KEYS[8], field, digits(before + amount))
    end
    if amount < one.claimed then unclaim(one.addition, one.claimed - amount) end
  end
  owed, claimants = {}, {}
end
