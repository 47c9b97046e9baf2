# says: With max_earlier=0 the history is not just the active model.
before = self._models
self._models = tuple(wanted[-self._max_earlier - 1 :] if self._max_earlier else wanted)
for model in before:
    if model not in self._models:
        model.close()
