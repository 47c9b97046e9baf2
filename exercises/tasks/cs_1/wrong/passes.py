# says: The loop ends before the first batch.
pass
