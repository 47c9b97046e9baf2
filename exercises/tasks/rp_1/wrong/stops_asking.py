# says: The number of lines that were left out is wrong.
for scored in outcome.scored:
    self._scored(scored)
skipped = sum(len(wines.records) for wines in outcome.skipped)
self.skipped += skipped
self.metrics.skipped.inc(skipped)
for _ in range(skipped):
    if not self._of_records.room_for(1):
        break
    log.info("record_skipped")
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
for rejected in outcome.rejected:
    if not self._of_records.room_for(1):
        break
    log.warning("record_rejected", record=str(rejected))
