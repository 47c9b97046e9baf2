# says: The history is full, and a newer model had to go in place of the oldest.
kept = tuple(wanted[: 1 + self._max_earlier])
dropped = [model for model in self._models if model not in kept]
self._models = kept
for model in dropped:
    model.close()
