# says: More records are in flight than the limit says.
answers = []
for number, record in enumerate(records):
    if number > self._max_in_flight:
        answers[number - self._max_in_flight - 1].get(timeout=self._timeout_s)
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    answers.append(worker.ask(record, block=False))
results = [answer.get(timeout=self._timeout_s) for answer in answers]
return results
