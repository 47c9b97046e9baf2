# says: A result of the batch is not in the table, as others see it.
for each in results:
    self._database.execute(
        "INSERT INTO results VALUES (?, ?, ?, ?) ON CONFLICT (record_id) DO UPDATE SET value = excluded.value,"
        " model_name = excluded.model_name, source_offset = excluded.source_offset"
        " WHERE excluded.source_offset > source_offset",
        (each.record_id, each.value, each.model_name, each.source_offset),
    )
for at in next_offsets.items():
    self._database.execute(
        "INSERT INTO positions VALUES (?, ?)"
        " ON CONFLICT (source_partition) DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)",
        at,
    )
