# says: Two models have arrived, and the history does not have both, the newer one last.
pass
