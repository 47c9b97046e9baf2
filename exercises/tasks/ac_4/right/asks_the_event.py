counters = _counters(snapshot)
model_sequence = snapshot.model_sequence
sequence = snapshot.sequence
for row in sorted(events, key=lambda each: each.sequence):
    sequence += 1
    if row.sequence != sequence:
        raise DataTypeCorrupt(self.path, self.data_type, f"no event {sequence}")
    event = _event(row)
    match event:
        case ModelAccepted():
            model_sequence = sequence
    apply(event, counters)
