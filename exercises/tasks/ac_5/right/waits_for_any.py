import time

def is_done(answer: Any) -> bool:
    try:
        answer.get(timeout=0)
    except pykka.Timeout:
        return False
    return True

answers: list[Any] = []
open_answers: list[Any] = []
for record in records:
    deadline_s = time.monotonic() + self._timeout_s
    while len(open_answers) == self._max_in_flight:
        open_answers = [answer for answer in open_answers if not is_done(answer)]
        if time.monotonic() > deadline_s:
            raise pykka.Timeout
    key = b"" if record.key is None else record.key
    answers.append(self._workers[int.from_bytes(zlib.crc32(key).to_bytes(4, "big"), "little") % len(self._workers)].ask(record, block=False))
    open_answers.append(answers[-1])
results = [answer.get(timeout=self._timeout_s) for answer in answers]
return results
