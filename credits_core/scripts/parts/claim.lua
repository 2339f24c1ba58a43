-- Lays claims of the revocation `tx` on open holds, those that expire first before others: it is
-- `missing` so many credits of the addition `id`. Answers how many are there, and the fields to
-- write. Ten claims a hold bound the work of its end.
local function claim(tx, id, grant, missing)
  local total, fields = 0, {}
  for _, field in ipairs(missing > 0 and redis.call('ZRANGE', KEYS[5], 0, -1) or {}) do
    local is_hold = total < missing and string.sub(field, 1, 5) == 'hold '
    local text = is_hold and redis.call('HGET', KEYS[3], field)
    if text then
      -- @use hold
      local free, count = grant and 0 or held, 0
      for name, part in string.gmatch(sources, '(%d[^=]+)=(%d+)') do
        if name == grant then free = free + part elseif not grant then free = free - part end
      end
      for part, _, _, name in string.gmatch(claims, CLAIM) do
        if name == (grant or '') then free = free - part end
        count = count + 1
      end
      local part = math.min(free, missing - total)
      if part > 0 and count < 10 then
        total = total + part
        fields[#fields + 1] = field
        fields[#fields + 1] = text .. '\n' .. table.concat({digits(part), tx, id, grant or ''}, '\t')
      end
    end
  end
  return total, fields
end
