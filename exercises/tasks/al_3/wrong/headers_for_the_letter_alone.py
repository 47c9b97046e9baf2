# says: A letter that is larger than its topic takes is not replaced by its headers alone.
headers = [
    ("reason", rejected.reason.encode()),
    ("topic", record.topic.encode()),
    ("partition", str(record.partition).encode()),
    ("offset", str(record.offset).encode()),
    ("variant", self._variant.encode()),
]
value = b"" if record.key is None and record.value is None else record.value
letter = _Letter(rejected, record.key, value, headers)
headers = []
