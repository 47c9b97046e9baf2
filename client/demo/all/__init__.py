"""All five servers side by side: ``python -m client.demo.all``."""
