# says: The results are not in the order of the records.
open_answers, results = [], []
def collect(limit):
    while len(open_answers) >= limit:
        for answer in open_answers:
            try:
                results.append(answer.get(timeout=0.01))
            except pykka.Timeout:
                continue
            open_answers.remove(answer)
            break
for record in records:
    collect(self._max_in_flight)
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    open_answers.append(worker.ask(record, block=False))
collect(1)
return results
