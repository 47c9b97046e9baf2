# says: More lines are logged than a second has room for.
for scored in outcome.scored:
    self._scored(scored)
skipped = 0
for wines in outcome.skipped:
    for _ in wines.records:
        log.info("record_skipped")
        skipped += 1
self.skipped += skipped
self.metrics.skipped.inc(skipped)
for rejected in outcome.rejected:
    log.warning("record_rejected", record=str(rejected))
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
