self._consumer.assign([self._partition])
start = self._start
if start == "end":
    await retry_until_answered(lambda: self._consumer.seek_to_end(self._partition))
elif start == "beginning" or start.topic_id != self._topic_id():
    await retry_until_answered(lambda: self._consumer.seek_to_beginning(self._partition))
elif first <= start.offset <= end:
    self._consumer.seek(self._partition, start.offset)
else:
    await retry_until_answered(lambda: self._consumer.seek_to_beginning(self._partition))
