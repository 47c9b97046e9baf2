# says: The records behind a bad one are not all in their branch, in order.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
if fault is None:
    await (await event.forward(self._good))
else:
    self.found[fault.reason] += 1
    await (await event.forward(fault.branch, headers={**event.headers, "reason": fault.reason.encode()}))
    if fault is self._faults[-1]:
        return
