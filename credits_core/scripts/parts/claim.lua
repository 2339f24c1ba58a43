-- Lays claims on the open holds, on those that expire first before others: the revocation `tx` is
-- still `missing` so many credits of the addition `id`. Answers how many they are, and the fields to
-- write. Ten a hold bound the work of its end.
local function claim(tx, id, grant, missing)
  local total, fields = 0, {}
  for _, field in ipairs(missing > 0 and redis.call('ZRANGE', KEYS[5], 0, -1) or {}) do
    local text = total < missing and string.sub(field, 1, 5) == 'hold ' and redis.call('HGET', KEYS[3], field)
    if text then
      -- @use hold
      local free, count = grant and 0 or held, 0
      for name, part in string.gmatch(sources, '(%d[^=]+)=(%d+)') do
        if name == grant then free = free + part elseif not grant then free = free - part end
      end
      for part, of in string.gmatch(claims, '\n(%d+)\t[^\t]*\t[^\t]*\t([^\n]*)') do
        count = count + 1
        if of == (grant or '') then free = free - part end
      end
      local part = math.min(free, missing - total)
      if part > 0 and count < 10 then
        total = total + part
        fields[#fields + 1] = field
        fields[#fields + 1] = text .. '\n' .. digits(part) .. '\t' .. tx .. '\t' .. id .. '\t' .. (grant or '')
      end
    end
  end
  return total, fields
end
