told = {
    "variant": self._variant,
    "offset": record.offset,
    "partition": record.partition,
    "topic": record.topic,
    "reason": rejected.reason,
}
headers = [(name, f"{value}".encode("utf-8")) for name, value in told.items()]
letter = _Letter(rejected, record.key, record.value, headers)
if record.value is None and record.key is None:
    letter = replace(letter, value=b"")
