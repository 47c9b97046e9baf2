# says: The manager does not answer with whom it asked and a future.
pass
