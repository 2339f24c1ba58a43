-- Initialised means: the mark in our state; else a sign-up among the first log entries (it
-- need not be the first: clocks of several writers differ); else a balance without a log.
local function signed_up(account)
  if account.initialized then return true end
  local first = redis.call('ZRANGE', KEYS[2], 0, 9)
  if #first == 0 then return account.raw and true or false end
  for _, member in ipairs(first) do
    local read, entry = pcall(cjson.decode, member)
    if read and type(entry) == 'table' and entry.action == 'user_initialized' then return true end
  end
  return false
end

-- The first touch of an account gives the sign-up credits, where the app wants that.
local function sign_up_if_due(account, member, credits, now)
  if member == '' or account.initialized then return end
  account.mark = true
  local amount = amount_in(credits, 0)
  if amount and not signed_up(account) and account.balance + amount <= MAX_BALANCE then
    post(account, member, amount, now)
  end
end
