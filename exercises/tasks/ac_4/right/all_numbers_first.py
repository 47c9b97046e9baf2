counters = _counters(snapshot)
numbers = [row.sequence for row in events]
sequence = snapshot.sequence + len(events)
if numbers != list(range(snapshot.sequence + 1, sequence + 1)):
    raise self._corrupt(f"events {numbers} after event {snapshot.sequence}")
model_sequence = max(
    (row.sequence for row in events if row.kind == MODEL_ACCEPTED), default=snapshot.model_sequence
)
for event in map(_event, events):
    apply(event, counters)
