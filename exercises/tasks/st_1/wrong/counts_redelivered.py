# says: The counter of skipped records is wrong where records are redelivered.
new = n if uncounted is None else int(uncounted.sum())
if self.model is None:
    return replace(self, skipped=self.skipped + n), Scores(None, None, 0.0)
