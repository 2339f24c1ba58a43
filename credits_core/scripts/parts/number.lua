-- Credits are whole numbers within what a double holds exactly.
local MAX_AMOUNT = 1e15
local MAX_BALANCE = 9007199254740991

-- tonumber alone would take nan, inf, 0x10, ' 12 ' and 1e3.
local function whole(text)
  if not string.find(text, '^%-?%d+$') then return nil end
  local number = tonumber(text)
  if number > MAX_BALANCE or number < -MAX_BALANCE then return nil end
  return number
end

-- Never '..' or tostring: they keep 14 digits. A zero has no sign.
local function digits(number)
  return string.format('%.0f', number + 0)
end
