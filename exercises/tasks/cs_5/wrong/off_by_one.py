# says: Fewer models are kept than max_earlier allows.
before = self._models
self._models = tuple(wanted[-self._max_earlier :])
for model in before:
    if model not in self._models:
        model.close()
