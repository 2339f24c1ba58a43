-- An open hold as state keeps it, `text`: '<credits> <expires> <who paid>', a line feed, and the
-- action in JSON; then what is claimed of it. `sources` is as part grants writes it, `claims` as
-- part claims reads it.
local held, expires, sources, action, claims = string.match(text,
  '^(%d+) (%d+) ?([^\n]*)\n([^\n]*)(.*)$')
held = tonumber(held)
