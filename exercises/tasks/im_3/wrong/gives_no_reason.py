# says: A bad record does not have its fault's reason as a header.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
if fault is not None:
    self.found[fault.reason] += 1
await (await event.forward(self._good if fault is None else fault.branch))
