if uncounted is None:
    uncounted = np.ones(n, dtype=np.bool_)
new = np.count_nonzero(uncounted)
match self.model:
    case None:
        return replace(self, skipped=self.skipped + new), Scores(None, None, 0.0)
