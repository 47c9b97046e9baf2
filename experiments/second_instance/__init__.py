"""What a second instance changes where the models topic is read inside the consumer group, and outside."""
