# says: The results are not those of the records.
pass
