# says: With a share of 0 the messages are not all loaded as they came
pass
