offset = end if self._start == "end" else first
if isinstance(self._start, FeedPosition):
    is_same_topic = self._topic_id() == self._start.topic_id
    if is_same_topic and max(first, min(self._start.offset, end)) == self._start.offset:
        offset = self._start.offset
if self._partition not in self._consumer.assignment():
    self._consumer.assign([self._partition])
self._consumer.seek(self._partition, offset)
