-- What was given back of a charge, or taken back of an addition, as part pay keeps it:
-- '<so far> <last tx id> <score> <amount> <all>', a line feed, who paid what is left of it.
local function returned(id)
  local record = redis.call('HGET', KEYS[8], 'paid\n' .. id) or '0\n'
  local first, sources = string.match(record, '^([^\n]*)\n(.*)$')
  local so_far, last_tx = string.match(first, '^(%S+) ?(%S*)')
  return {so_far = tonumber(so_far), last_tx = last_tx, sources = sources, record = 'returned\n' ..
    (string.match(first, '^%S+ (.+)') or '')}
end
