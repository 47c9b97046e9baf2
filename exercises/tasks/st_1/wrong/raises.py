# says: ModelClosed in your code
new = n if uncounted is None else int(uncounted.sum())
if self.model is None:
    raise ModelClosed
