# says: The next record was taken before the broker had a bad one.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
if fault is None:
    await (await event.forward(self._good))
else:
    self.found[fault.reason] += 1
    await event.forward(fault.branch, headers={**event.headers, "reason": fault.reason.encode()})
