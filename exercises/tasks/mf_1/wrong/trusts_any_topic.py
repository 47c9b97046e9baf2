# says: A position in a topic that was deleted counts for the topic of the same name.
self._consumer.assign([self._partition])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end
    case FeedPosition(topic_id, offset):
        if not first <= offset <= end:
            offset = first
self._consumer.seek(self._partition, offset)
