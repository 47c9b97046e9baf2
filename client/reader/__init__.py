"""Prints what is on a topic: ``python -m client.reader``."""
