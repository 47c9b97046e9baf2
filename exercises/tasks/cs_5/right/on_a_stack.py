from collections import deque

old = list(self._models)
self._models = tuple(deque(wanted, maxlen=self._max_earlier + 1))
while old:
    model = old.pop()
    if not any(model is each for each in self._models):
        model.close()
