# says: Records of one key go to different workers.
answers = []
for number, record in enumerate(records):
    if number >= self._max_in_flight:
        answers[number - self._max_in_flight].get(timeout=self._timeout_s)
    answers.append(self._workers[number % len(self._workers)].ask(record, block=False))
results = [answer.get(timeout=self._timeout_s) for answer in answers]
return results
