# says: An event between two others is missing, and there is no error.
counters, sequence, model_sequence = _counters(snapshot), snapshot.sequence, snapshot.model_sequence
if events and events[0].sequence != snapshot.sequence + 1:
    raise self._corrupt(f"event {events[0].sequence} follows event {sequence}")
for row in events:
    sequence = row.sequence
    if row.kind == MODEL_ACCEPTED:
        model_sequence = sequence
    apply(_event(row), counters)
