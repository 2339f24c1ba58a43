-- Who paid, and who paid more; a grant that paid last and goes on paying stands once, so that
-- a hold that is extended again and again stays short.
local function joined(sources, more)
  if sources == '' or more == '' then return sources .. more end
  local name, part = string.match(string.sub(sources, -120), '(%d%d%d%d %d+ [^ =]+)=(%d+)$')
  if string.sub(more, 1, #name + 1) == name .. '=' then
    local again, rest = string.match(string.sub(more, #name + 2), '^(%d+)(.*)$')
    local before = string.sub(sources, 1, #sources - #name - 1 - #part)
    return before .. name .. '=' .. digits(part + again) .. rest
  end
  return sources .. ' ' .. more
end
