# says: The consumer subscribes, as the members of a group do
self._consumer.subscribe([self._partition.topic])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end
    case FeedPosition(topic_id, offset):
        if topic_id != self._topic_id() or not first <= offset <= end:
            offset = first
self._consumer.seek(self._partition, offset)
