# says: The model that a roll back activates was closed.
before = self._models
self._models = tuple(wanted[-1 - self._max_earlier :])
for model in before:
    if model not in self._models:
        model.close()
if len(self._models) < len(before) and self._models:
    self._models[-1].close()
