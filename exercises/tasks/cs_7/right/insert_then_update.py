with self._database as database:
    for each in results:
        row = {"id": each.record_id, "value": each.value, "model": each.model_name, "at": each.source_offset}
        database.execute("DELETE FROM results WHERE record_id = :id AND source_offset < :at", row)
        found = database.execute("SELECT count(*) FROM results WHERE record_id = :id", row)
        if not found.fetchone()[0]:
            database.execute("INSERT INTO results VALUES (:id, :value, :model, :at)", row)
    for partition, offset in next_offsets.items():
        database.execute("INSERT OR IGNORE INTO positions VALUES (?, 0)", (partition,))
        database.execute(
            "UPDATE positions SET next_offset = ? WHERE source_partition = ? AND next_offset < ?",
            (offset, partition, offset),
        )
