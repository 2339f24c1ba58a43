-- Whether the account may spend `amount` now.
if frozen then return {'frozen', stamp, frozen} end
if balance - amount < floor then return {'insufficient', stamp, digits(balance - floor)} end
