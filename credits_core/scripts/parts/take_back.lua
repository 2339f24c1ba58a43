-- Takes back `asked` of the addition `id` of `size` credits, or all that is left (nil): of a
-- grant what remains of it, else what the balance holds beside grants and floor. Keeps how
-- much, as part returned reads it.
local function take_back(tx, id, size, grant, asked, head, tail)
  local before = returned(id)
  local left = math.max(0, size - before.so_far)
  if grant then
    left = math.min(left, tonumber(redis.call('HGET', KEYS[3], 'grant ' .. grant) or '0'))
  else
    local room = balance - math.max(0, floor)
    if live then
      for _, name in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
        room = room - (redis.call('HGET', KEYS[3], 'grant ' .. name) or 0)
      end
    end
    left = math.min(left, math.max(0, room))
  end
  local amount = math.min(asked or left, left)
  local text = digits(amount)
  local answer = post(head .. digits(-amount) .. tail, -amount)
  if answer.err then return answer end
  if grant and amount > 0 then take(grant, amount) end
  -- That all of it was asked for stays known, whatever parts follow.
  local all = string.match(before.record, '\n(.* all)$')
  redis.call('HSET', KEYS[8], 'paid\n' .. id, digits(before.so_far + amount) .. ' ' ..
    (all or tx .. ' ' .. answer[4] .. ' ' .. text .. (asked and '' or ' all')) .. '\n')
  answer[5] = text
  return answer
end
