# says: With a model, the counter of dead letters is wrong
new = n
if self.model is None:
    skipped = n if uncounted is None else int(uncounted.sum())
    return replace(self, skipped=self.skipped + skipped), Scores(None, None, 0.0)
