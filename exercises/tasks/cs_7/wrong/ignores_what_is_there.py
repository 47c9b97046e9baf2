# says: A newer result has not replaced the older one.
rows = [(each.record_id, each.value, each.model_name, each.source_offset) for each in results]
with self._database:
    self._database.executemany("INSERT INTO results VALUES (?, ?, ?, ?) ON CONFLICT (record_id) DO NOTHING", rows)
    self._database.executemany(
        "INSERT INTO positions VALUES (?, ?)"
        " ON CONFLICT (source_partition) DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)",
        next_offsets.items(),
    )
