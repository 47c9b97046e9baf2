# says: The headers topic, partition and offset do not name the place of the record.
headers = [("reason", rejected.reason.encode()), ("variant", self._variant.encode())]
value = b"" if record.key is None and record.value is None else record.value
letter = _Letter(rejected, record.key, value, headers)
