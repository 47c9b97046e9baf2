# says: More models are kept than the active one and max_earlier before it.
dropped = [model for model in self._models if model not in wanted]
self._models = tuple(wanted)
for model in dropped:
    model.close()
