# says: The model that was rolled back was not closed.
too_many = max(0, len(wanted) - 1 - self._max_earlier)
self._models = tuple(wanted[too_many:])
for model in wanted[:too_many]:
    model.close()
