kept = list(wanted)
while len(kept) > self._max_earlier + 1:
    kept.pop(0)
before, self._models = self._models, tuple(kept)
for model in before:
    if model not in kept:
        model.close()
