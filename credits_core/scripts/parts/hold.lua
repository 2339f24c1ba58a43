-- An open hold as state keeps it, `text`: '<credits> <expires> <who paid>', a line feed, the
-- action in JSON, and a line for each claim. `sources` is as part grants writes it, `claims` as part
-- claims does.
local held, expires, sources, action, claims = string.match(text,
  '^(%d+) (%d+) ?([^\n]*)\n([^\n]*)(.*)$')
held = tonumber(held)
