# says: The key or the value of the dead letter is not as it came.
headers = [
    ("reason", rejected.reason.encode()),
    ("topic", record.topic.encode()),
    ("partition", str(record.partition).encode()),
    ("offset", str(record.offset).encode()),
    ("variant", self._variant.encode()),
]
letter = _Letter(rejected, record.key, record.value or b"", headers)
