database = self._database
try:
    for each in results:
        row = database.execute("SELECT source_offset FROM results WHERE record_id = ?", [each.record_id]).fetchone()
        if row is None or row[0] < each.source_offset:
            new = (each.record_id, each.value, each.model_name, each.source_offset)
            database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", new)
    for partition, offset in next_offsets.items():
        offset = max(offset, self.next_offset(partition))
        database.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (partition, offset))
except sqlite3.Error:
    database.rollback()
    raise
database.commit()
