-- Before a charge of `amount` is written: where the first grant pays all of it and lives on,
-- sets `left`, what remains of it; else sees to it that grants can change.
left = first and not changed and (redis.call('HGET', KEYS[3], 'grant ' .. first) or 0) - amount
if not left or left <= 0 then
  left = nil
  -- @use tools
end
