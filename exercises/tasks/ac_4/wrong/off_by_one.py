# says: Good events are taken for damaged ones.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
for row in events:
    if row.sequence != sequence:
        raise self._corrupt(f"event {row.sequence} follows event {sequence}")
    sequence = row.sequence + 1
    if row.kind == MODEL_ACCEPTED:
        model_sequence = row.sequence
    apply(_event(row), counters)
