"""How Kafka is spoken to: the broker as a server sees it, the sink, and what client libraries need help with."""
