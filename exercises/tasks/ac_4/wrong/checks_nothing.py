# says: The first event after the snapshot is missing, and there is no error.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
for row in events:
    sequence = row.sequence
    if row.kind == MODEL_ACCEPTED:
        model_sequence = sequence
    apply(_event(row), counters)
