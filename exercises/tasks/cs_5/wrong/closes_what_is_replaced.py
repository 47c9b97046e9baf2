# says: A model was closed although it can be rolled back to.
before = self._models
self._models = tuple(wanted[-1 - self._max_earlier :])
for model in before:
    model.close()
