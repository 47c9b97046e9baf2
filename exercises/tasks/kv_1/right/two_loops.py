kept = []
for key, state in after.items():
    if self._may_keep(key, state):
        self._states[key] = state
        kept.append(key)
for key in sorted(kept):
    self._table[key.row(COUNTERS)] = self._states[key].counters().SerializeToString(deterministic=True)
