for scored in outcome.scored:
    self._scored(scored)
for wines in outcome.skipped:
    n = len(wines.records)
    self.skipped += n
    self.metrics.skipped.inc(n)
    for _ in wines.records[: self._of_records.room_for(n)]:
        log.info("record_skipped")
if outcome.rejected:
    self.dead_letters += len(outcome.rejected)
    self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
    shown = self._of_records.room_for(len(outcome.rejected))
    for number, rejected in enumerate(outcome.rejected):
        if number < shown:
            log.warning("record_rejected", record=str(rejected))
