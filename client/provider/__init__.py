"""Publishes wines and models: ``python -m client.provider``."""
