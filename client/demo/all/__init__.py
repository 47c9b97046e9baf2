"""All five servers beside each other: ``python -m client.demo.all``."""
