-- The functions that change holds and grants, made only where they are needed.
if not give then
  -- @use grants expire
end
