-- What is kept of a request with a `key`: see part records.
local record = fingerprint .. '\n' .. ARGV[8] .. ' ' .. answer[4]
