# says: More lines are logged than a second has room for.
for scored in outcome.scored:
    self._scored(scored)
skipped = sum(len(wines.records) for wines in outcome.skipped)
self.skipped += skipped
self.metrics.skipped.inc(skipped)
for _ in range(min(LINES_PER_S, skipped)):
    log.info("record_skipped")
self.dead_letters += len(outcome.rejected)
self.metrics.dead_letters.labels("record").inc(len(outcome.rejected))
for rejected in outcome.rejected[:LINES_PER_S]:
    log.warning("record_rejected", record=str(rejected))
