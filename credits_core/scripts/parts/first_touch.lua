-- The first touch of an account gives the sign-up credits, where the app wants that: expects
-- `signup_member` and `signup_credits`.
if not initialized then
  -- @use post signup
  local credits = whole(signup_credits)
  mark = true
  if credits and credits >= 0 and credits <= MAX_AMOUNT and not signed_up()
    and balance + credits <= MAX_BALANCE then
    local given = post(signup_member, credits)
    if given.err then return given end
    mark = false
  end
end
