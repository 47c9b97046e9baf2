# says: The second batch gets results of the first one.
if not hasattr(self, "answers"):
    self.answers = []
for record in records:
    if len(self.answers) >= self._max_in_flight:
        self.answers[-self._max_in_flight].get(timeout=self._timeout_s)
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    self.answers.append(worker.ask(record, block=False))
results = [answer.get(timeout=self._timeout_s) for answer in self.answers]
return results
