# says: With a share of 0 the messages are not all loaded as they came
outcomes = [Outcome(offset, None, None) for offset, _ in messages]
