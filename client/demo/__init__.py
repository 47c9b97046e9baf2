"""Everything at once, to be looked at: Kafka, the provider and one server, or all five of them beside each other.

Read next: ``one`` (``python -m client.demo``), then ``all`` (``python -m client.demo.all``).
"""
