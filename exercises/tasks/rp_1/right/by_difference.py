rejected = len(outcome.rejected)
skipped = len(outcome.records) - rejected - sum(len(each.values) for each in outcome.scored)
self.dead_letters = self.dead_letters + rejected
self.skipped = self.skipped + skipped
self.metrics.dead_letters.labels(kind="record").inc(rejected)
self.metrics.skipped.inc(skipped)
for letter in list(outcome.rejected)[: self._of_records.room_for(rejected)]:
    log.warning("record_rejected", record=str(letter))
for _ in range(self._of_records.room_for(skipped)):
    log.info("record_skipped")
for each in outcome.scored:
    self._scored(each)
