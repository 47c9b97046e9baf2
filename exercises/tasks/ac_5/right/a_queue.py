from collections import deque

results: list[R | Failed] = []
in_flight: deque[Any] = deque()
for record in records:
    while len(in_flight) >= self._max_in_flight:
        results.append(in_flight.popleft().get(timeout=self._timeout_s))
    number = hash(record.key) % len(self._workers)
    in_flight.append(self._workers[number].ask(record, block=False))
results += pykka.get_all(in_flight, timeout=self._timeout_s)
return results
