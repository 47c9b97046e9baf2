# says: After a roll back the model before is not the active one.
models = [*self._models, *(model for model in wanted if model not in self._models)]
kept = tuple(models[-1 - self._max_earlier :])
dropped = [model for model in self._models if model not in kept]
self._models = kept
for model in dropped:
    model.close()
