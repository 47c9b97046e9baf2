# says: The feed seeks to an offset that is not in the topic.
self._consumer.assign([self._partition])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end
    case FeedPosition(topic_id, offset):
        if topic_id != self._topic_id() or offset > end:
            offset = first
self._consumer.seek(self._partition, offset)
