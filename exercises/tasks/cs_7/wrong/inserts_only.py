# says: IntegrityError in your code
rows = [(each.record_id, each.value, each.model_name, each.source_offset) for each in results]
with self._database:
    self._database.executemany("INSERT INTO results VALUES (?, ?, ?, ?)", rows)
    self._database.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", next_offsets.items())
