self._consumer.assign([self._partition])
# Without a seek, auto_offset_reset decides: earliest.
if self._start == "end":
    self._consumer.seek(self._partition, end)
elif isinstance(self._start, FeedPosition) and self._start.topic_id == self._topic_id():
    if self._start.offset in range(first, end + 1):
        self._consumer.seek(self._partition, self._start.offset)
