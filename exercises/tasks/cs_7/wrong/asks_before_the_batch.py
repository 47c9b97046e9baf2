# says: Of two results with one id in a batch, not the newer one is in the table.
known = dict(self._database.execute("SELECT record_id, source_offset FROM results"))
rows = [
    (each.record_id, each.value, each.model_name, each.source_offset)
    for each in results
    if each.source_offset > known.get(each.record_id, -1)
]
with self._database:
    self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", rows)
    self._database.executemany(
        "INSERT INTO positions VALUES (?, ?)"
        " ON CONFLICT (source_partition) DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)",
        next_offsets.items(),
    )
