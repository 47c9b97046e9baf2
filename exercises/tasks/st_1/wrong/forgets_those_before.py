# says: The counter of skipped records is wrong after a batch of three.
new = n if uncounted is None else int(uncounted.sum())
if self.model is None:
    return replace(self, skipped=new), Scores(None, None, 0.0)
