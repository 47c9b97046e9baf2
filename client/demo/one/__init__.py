"""Kafka, the provider and one server: ``python -m client.demo``."""
