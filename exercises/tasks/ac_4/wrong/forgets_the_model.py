# says: A model that came after the snapshot is not restored.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
for row in events:
    if row.sequence != sequence + 1:
        raise self._corrupt(f"event {row.sequence} follows event {sequence}")
    sequence = row.sequence
    apply(_event(row), counters)
