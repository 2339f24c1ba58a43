-- The record of a request, or nil: `state` ('running', 'answered', 'abandoned'), `owner`, `token`,
-- the end of the lease `ends` (ms), `again` ('1' where it was taken over), the id `call` of the
-- last begin, `fingerprint`: a line each. The answer begins at `from`. One string, so that it is
-- written, time to live and all, by one command that happens whole or not at all. What other
-- apps may have put under its name is taken for nothing.
local record = redis.pcall('GET', KEYS[1])
if type(record) == 'table' then
  local found, what = record, 'request'
  -- @use wrong_type
end
local state, owner, token, ends, again, call, fingerprint, from = string.match(
  record or '', '^(%l+)\n([^\n]*)\n([^\n]*)\n(%d+%.%d+)\n(1?)\n([^\n]*)\n([^\n]*)\n()')
