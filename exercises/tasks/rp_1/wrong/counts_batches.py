# says: The number of skipped records is wrong for a batch of two data types without a model.
for scored in outcome.scored:
    self._scored(scored)
self.skipped += len(outcome.skipped)
self.metrics.skipped.inc(len(outcome.skipped))
for _ in range(self._of_records.room_for(len(outcome.skipped))):
    log.info("record_skipped")
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
for rejected in outcome.rejected[: self._of_records.room_for(len(outcome.rejected))]:
    log.warning("record_rejected", record=str(rejected))
