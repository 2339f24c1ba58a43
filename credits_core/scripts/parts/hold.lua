-- An open hold as state keeps it, `text`: '<credits> <expires> <who paid>', a line feed, and
-- the action in JSON. `sources` is as part grants writes it.
local held, expires, sources, action = string.match(text, '^(%d+) (%d+) ?([^\n]*)\n(.*)$')
held = tonumber(held)
