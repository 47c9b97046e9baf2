# says: Records have scores, and no model has arrived.
new = n if uncounted is None else int(uncounted.sum())
if self.model is None:
    return replace(self, skipped=self.skipped + new), Scores(np.zeros(n), "none", 0.0)
