# says: A model was closed while history.models still had it.
kept = tuple(wanted[-1 - self._max_earlier :])
for model in self._models:
    if model not in kept:
        model.close()
self._models = kept
