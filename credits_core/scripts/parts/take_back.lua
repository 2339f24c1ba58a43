-- Takes back `asked` of the addition `id` of `size` credits, or all that is left (nil): of a
-- grant what remains of it, else what the balance holds beside grants and floor. What is on hold of
-- them is claimed. Keeps how much, as part returned reads it.
-- @use claim
local function take_back(tx, id, size, grant, asked, head, tail)
  local before = returned(id)
  local left = math.max(0, size - before.so_far)
  local wanted = math.min(asked or left, left)
  local there = grant and tonumber(redis.call('HGET', KEYS[3], 'grant ' .. grant) or '0') or spare()
  local amount = math.min(wanted, there)
  local claimed, fields = claim(tx, id, grant, wanted - amount)
  local text, told = digits(amount), ''
  if claimed > 0 then
    told = ' ' .. digits(claimed)
    tail = string.sub(tail, 1, -2) .. ',"claimed":' .. digits(claimed) .. '}'
  end
  local answer = post(head .. digits(-amount) .. tail, -amount)
  if answer.err then return answer end
  if grant and amount > 0 then take(grant, amount) end
  for i = 1, #fields, 2 do redis.call('HSET', KEYS[3], fields[i], fields[i + 1]) end
  -- That all of it was asked for stays known, whatever parts follow.
  local all = string.match(before.record, '\n(.* all)$')
  redis.call('HSET', KEYS[8], 'paid\n' .. id, digits(before.so_far + amount + claimed) .. ' ' ..
    (all or tx .. ' ' .. answer[4] .. ' ' .. text .. told .. (asked and '' or ' all')) .. '\n')
  answer[5], answer[6] = text, digits(claimed)
  return answer
end
