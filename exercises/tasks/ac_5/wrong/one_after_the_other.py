# says: While one record is worked on, the other workers wait.
results = []
for record in records:
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    results.append(worker.ask(record, timeout=self._timeout_s))
return results
