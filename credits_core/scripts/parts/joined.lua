-- Who paid, and who paid more.
local function joined(sources, more)
  return sources .. (sources ~= '' and more ~= '' and ' ' or '') .. more
end
