# says: The answer with the highest confidence is not taken.
best = Best(next(iter(self._actors)), 5.0, 0.5)
