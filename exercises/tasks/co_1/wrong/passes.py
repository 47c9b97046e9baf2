# says: What was written for a record of a partition is not read back
pass
