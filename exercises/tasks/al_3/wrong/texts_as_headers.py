# says: TypeError in your code
headers = [
    ("reason", rejected.reason),
    ("topic", record.topic),
    ("partition", str(record.partition)),
    ("offset", str(record.offset)),
    ("variant", self._variant),
]
value = b"" if record.key is None and record.value is None else record.value
letter = _Letter(rejected, record.key, value, headers)
