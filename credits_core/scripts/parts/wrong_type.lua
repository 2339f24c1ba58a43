-- The error `found` of a read: a key of another type is a state of the account, `what` of it;
-- anything else, such as a command that this user may not run, is the server's own to tell.
if not string.find(tostring(found.err), 'WRONGTYPE', 1, true) then return found end
return {'state', stamp, 'wrong_type', what}
