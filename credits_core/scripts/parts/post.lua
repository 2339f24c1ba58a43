-- Part write as a function, for those who write several entries, or seldom one: what it
-- costs to make a function is a tenth of a plain charge.
local function post(member, change)
  -- @use write
  return answer
end
