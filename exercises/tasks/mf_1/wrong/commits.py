# says: An offset of the models topic is committed.
self._consumer.assign([self._partition])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end
    case FeedPosition(topic_id, offset):
        if topic_id != self._topic_id() or not first <= offset <= end:
            offset = first
self._consumer.seek(self._partition, offset)
await self._consumer.commit({self._partition: offset})
