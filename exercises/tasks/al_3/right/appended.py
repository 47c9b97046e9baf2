headers = []
headers.append(("reason", bytes(rejected.reason, "utf-8")))
headers.append(("topic", bytes(record.topic, "utf-8")))
headers.append(("partition", b"%d" % record.partition))
headers.append(("offset", b"%d" % record.offset))
headers.append(("variant", bytes(self._variant, "utf-8")))
headers = tuple(headers)
value = record.value
if value is None and record.key is None:
    value = b""
letter = _Letter(rejected=rejected, key=record.key, value=value, headers=headers)
