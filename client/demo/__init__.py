"""Kafka, the provider and one server in one command with a live view, or all five servers side by side.

Read next: ``one`` (``python -m client.demo``), then ``all`` (``python -m client.demo.all``).
"""
