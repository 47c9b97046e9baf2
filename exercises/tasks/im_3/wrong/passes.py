# says: A good record is not in the good branch alone.
pass
