# says: A position behind the end of the topic counts, and nothing is read.
self._consumer.assign([self._partition])
match self._start:
    case "beginning":
        offset = first
    case "end":
        offset = end
    case FeedPosition(topic_id, offset):
        if topic_id != self._topic_id():
            offset = first
self._consumer.seek(self._partition, offset)
