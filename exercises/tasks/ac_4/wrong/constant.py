# says: The snapshot's counters are not restored.
counters, sequence, model_sequence = KeptCounters(), len(events), None if model is None else model.sequence
