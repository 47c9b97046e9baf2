# says: A model was closed twice.
before = self._models
self._models = tuple(wanted[-1 - self._max_earlier :])
for model in (*before, *wanted):
    if model not in self._models:
        model.close()
