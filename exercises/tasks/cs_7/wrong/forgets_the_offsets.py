# says: The next offset of a partition is not in the table.
rows = [(each.record_id, each.value, each.model_name, each.source_offset) for each in results]
with self._database:
    self._database.executemany(
        "INSERT INTO results VALUES (?, ?, ?, ?) ON CONFLICT (record_id) DO UPDATE SET value = excluded.value,"
        " model_name = excluded.model_name, source_offset = excluded.source_offset"
        " WHERE excluded.source_offset > source_offset",
        rows,
    )
