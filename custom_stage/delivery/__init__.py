"""When a batch's offsets are committed: the source, the three delivery modes, and Kafka's transactions."""
