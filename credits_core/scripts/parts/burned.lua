-- After a charge of `amount` is written, for which part payer has looked: grants pay as far as
-- they go. Sets `sources`. All it does is allowed by then: write has set a field, too.
if left then
  sources = first .. '=' .. digits(amount)
else
  sources = burn(amount)
end
