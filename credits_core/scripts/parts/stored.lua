-- The balance as stored (`raw`, or false) and the size of the log, both of the right type.
local raw = redis.pcall('GET', KEYS[1])
if type(raw) == 'table' then return {'state', stamp, 'wrong_type', 'balance'} end
local entries = redis.pcall('ZCARD', KEYS[2])
if type(entries) == 'table' then return {'state', stamp, 'wrong_type', 'log'} end
