# says: A skipped record is counted as something else, too.
new = n if uncounted is None else int(uncounted.sum())
if self.model is None:
    return replace(self.reject(new), skipped=self.skipped + new), Scores(None, None, 0.0)
