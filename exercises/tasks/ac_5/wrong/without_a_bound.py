# says: More records are in flight than the limit says.
answers = [
    self._workers[zlib.crc32(record.key or b"") % len(self._workers)].ask(record, block=False) for record in records
]
results = [answer.get(timeout=self._timeout_s) for answer in answers]
return results
