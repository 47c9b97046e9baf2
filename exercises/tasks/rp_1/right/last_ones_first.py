for scored in outcome.scored:
    self._scored(scored)
for wines in outcome.skipped:
    for _ in wines.records:
        self.skipped += 1
        self.metrics.skipped.inc()
        if self._of_records.room_for(1):
            log.info("record_skipped", data_type=wines.data_type)
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
for rejected in list(reversed(outcome.rejected))[: self._of_records.room_for(len(outcome.rejected))]:
    log.warning("record_rejected", record=str(rejected))
