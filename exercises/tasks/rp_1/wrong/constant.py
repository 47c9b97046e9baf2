# says: The number of skipped records is wrong for a batch of two data types without a model.
for scored in outcome.scored:
    self._scored(scored)
self.skipped = self.dead_letters = 0
