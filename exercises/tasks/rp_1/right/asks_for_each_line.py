for scored in outcome.scored:
    self._scored(scored)
for wines in outcome.skipped:
    for _ in wines.records:
        self.skipped += 1
        self.metrics.skipped.inc()
        if self._of_records.room_for(1):
            log.info("record_skipped")
for rejected in outcome.rejected:
    self.dead_letters += 1
    self.metrics.dead_letters.labels("record").inc()
    if self._of_records.room_for(1):
        log.warning("record_rejected", record=str(rejected))
