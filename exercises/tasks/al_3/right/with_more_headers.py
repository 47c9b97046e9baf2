headers = [("reason", rejected.reason.encode()), ("topic", record.topic.encode())]
headers += [(name, str(getattr(record, name)).encode()) for name in ("partition", "offset")]
headers += [("variant", self._variant.encode()), ("timestamp", str(record.timestamp).encode())]
is_nothing = record.key is None and record.value is None
letter = _Letter(rejected, record.key, b"" if is_nothing else record.value, headers)
