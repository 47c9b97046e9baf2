# says: A model that has become too old was not closed.
self._models = tuple(wanted[-1 - self._max_earlier :])
