# says: The events are not applied in their order.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
for row in events:
    if row.sequence != sequence + 1:
        raise self._corrupt(f"event {row.sequence} follows event {sequence}")
    sequence = row.sequence
    if row.kind == MODEL_ACCEPTED:
        model_sequence = sequence
        apply(_event(row), counters)
for row in events:
    if row.kind == BATCH_SCORED:
        apply(_event(row), counters)
