for key, state in after.items():
    if self._may_keep(key, state):
        self._states |= {key: state}
        self._table.update({key.row(COUNTERS): state.counters().SerializeToString()})
