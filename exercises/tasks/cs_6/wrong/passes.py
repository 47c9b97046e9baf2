# says: A batch whose model is there, and before which nothing waits, was not scored.
pass
