# says: The next event gets a wrong number.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
for number, row in enumerate(events, sequence + 1):
    if row.sequence != number:
        raise self._corrupt(f"event {row.sequence} in place of event {number}")
    if row.kind == MODEL_ACCEPTED:
        model_sequence = number
    apply(_event(row), counters)
