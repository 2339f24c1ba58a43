-- Lets go what a revocation still claims of open holds.
--
-- KEYS  the keys of an account, see part keys
-- ARGV  1 deadline (ms, server time)  2 member  3 the revocation
-- Reply {'ok', now, what it took of holds that gave back} | {'late', now}
--       | {'state', now, what, detail}
-- Keeps balance = sum of the log. Where there is nothing to let go nothing is entered.
-- @use clock
if now > tonumber(ARGV[1]) then return {'late', stamp} end
-- @use number balance account post touch tools
local fields, let_go = {}, {}
for _, field in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
  local text = string.sub(field, 1, 5) == 'hold ' and redis.call('HGET', KEYS[3], field)
  if text and string.find(text, '\t' .. ARGV[3] .. '\t', 1, true) then
    -- @use hold
    local left = string.gsub(claims, CLAIM, function(part, revocation, addition)
      if revocation ~= ARGV[3] then return nil end
      let_go[#let_go + 1] = {addition, part}
      return ''
    end)
    fields[#fields + 1] = field
    fields[#fields + 1] = string.sub(text, 1, #text - #claims) .. left
  end
end
if #let_go > 0 then
  local answer = post(ARGV[2], 0)
  if answer.err then return answer end
  for i = 1, #fields, 2 do redis.call('HSET', KEYS[3], fields[i], fields[i + 1]) end
  for _, one in ipairs(let_go) do unclaim(one[1], one[2]) end
end
return {'ok', stamp, redis.call('HGET', KEYS[8], 'claimed\n' .. ARGV[3]) or '0'}
