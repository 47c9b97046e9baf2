# says: A start at the end reads a model that was in the topic before.
self._consumer.assign([self._partition])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end - 1
    case FeedPosition(topic_id, offset):
        if topic_id != self._topic_id() or not first <= offset <= end:
            offset = first
self._consumer.seek(self._partition, offset)
