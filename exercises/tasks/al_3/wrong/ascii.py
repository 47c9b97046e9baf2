# says: The header reason is not the reason of the rejection, in UTF-8.
headers = [
    ("reason", rejected.reason.encode("ascii", "replace")),
    ("topic", record.topic.encode()),
    ("partition", str(record.partition).encode()),
    ("offset", str(record.offset).encode()),
    ("variant", self._variant.encode()),
]
value = b"" if record.key is None and record.value is None else record.value
letter = _Letter(rejected, record.key, value, headers)
