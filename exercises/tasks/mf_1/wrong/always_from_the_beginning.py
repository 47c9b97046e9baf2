# says: A position in this topic is not where reading goes on.
self._consumer.assign([self._partition])
if self._start == "end":
    offset = end
else:
    offset = first
self._consumer.seek(self._partition, offset)
