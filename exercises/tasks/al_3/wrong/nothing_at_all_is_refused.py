# says: BrokerRefused in your code
headers = [
    ("reason", rejected.reason.encode()),
    ("topic", record.topic.encode()),
    ("partition", str(record.partition).encode()),
    ("offset", str(record.offset).encode()),
    ("variant", self._variant.encode()),
]
letter = _Letter(rejected, record.key, record.value, headers)
