# says: A record was joined with an old row, while the table lagged behind it.
waiting = self._waiting.pop(key)
emitted = [Joined(record, self._rows.get(key)) for record, _ in waiting]
