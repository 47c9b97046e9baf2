newest = {}
for each in results:
    if each.record_id not in newest or newest[each.record_id].source_offset < each.source_offset:
        newest[each.record_id] = each
self._database.execute("BEGIN IMMEDIATE")
try:
    self._database.executemany(
        "REPLACE INTO results SELECT :id, :value, :model, :at WHERE NOT EXISTS"
        " (SELECT 1 FROM results WHERE record_id = :id AND source_offset >= :at)",
        [
            {"id": each.record_id, "value": each.value, "model": each.model_name, "at": each.source_offset}
            for each in newest.values()
        ],
    )
    self._database.executemany(
        "REPLACE INTO positions SELECT :p, :at WHERE NOT EXISTS"
        " (SELECT 1 FROM positions WHERE source_partition = :p AND next_offset >= :at)",
        [{"p": partition, "at": at} for partition, at in next_offsets.items()],
    )
    self._database.execute("COMMIT")
except BaseException:
    self._database.execute("ROLLBACK")
    raise
