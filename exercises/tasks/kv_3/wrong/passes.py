# says: A record was not emitted at once with its key's row
pass
