# says: After the restore an entry is missing, or in the wrong partition.
pass
