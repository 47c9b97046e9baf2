# says: Fewer records are in flight than the limit allows.
answers = []
for number, record in enumerate(records):
    if number + 1 >= self._max_in_flight and answers:
        answers[number - self._max_in_flight + 1].get(timeout=self._timeout_s)
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    answers.append(worker.ask(record, block=False))
results = [answer.get(timeout=self._timeout_s) for answer in answers]
return results
