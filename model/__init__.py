"""What serving means, free of Kafka and of any stream engine: the rule, the features, the model formats."""
