new = len(features if uncounted is None else features[uncounted])
if self.model is None:
    state = self
    if new > 0:
        state = replace(state, skipped=state.skipped + new)
    return state, Scores(None, None, 0.0)
