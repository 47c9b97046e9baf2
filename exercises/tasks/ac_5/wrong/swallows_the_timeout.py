# says: A worker that hangs is not told of.
answers, results = [], []
def wait_for(answer):
    try:
        return answer.get(timeout=self._timeout_s)
    except pykka.Timeout:
        return None
for number, record in enumerate(records):
    if number >= self._max_in_flight:
        wait_for(answers[number - self._max_in_flight])
    worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
    answers.append(worker.ask(record, block=False))
results = [wait_for(answer) for answer in answers]
return results
