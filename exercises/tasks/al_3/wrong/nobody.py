# says: The header variant does not name the server that refused the record.
headers = [
    ("reason", rejected.reason.encode()),
    ("topic", record.topic.encode()),
    ("partition", str(record.partition).encode()),
    ("offset", str(record.offset).encode()),

]
value = b"" if record.key is None and record.value is None else record.value
letter = _Letter(rejected, record.key, value, headers)
