# says: After close() a model is still open.
before = self._models
self._models = tuple(wanted[-1 - self._max_earlier :])
if self._models:
    for model in before:
        if model not in self._models:
            model.close()
