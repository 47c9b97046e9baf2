# says: After a restart, the counters of a partition are not in the table's rows.
pass
