# says: An unfit record counts as skipped; it is in the dead letters.
for scored in outcome.scored:
    self._scored(scored)
skipped = sum(len(wines.records) + len(wines.unfit) for wines in outcome.skipped)
self.skipped += skipped
self.metrics.skipped.inc(skipped)
for _ in range(self._of_records.room_for(skipped)):
    log.info("record_skipped")
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
for rejected in outcome.rejected[: self._of_records.room_for(len(outcome.rejected))]:
    log.warning("record_rejected", record=str(rejected))
