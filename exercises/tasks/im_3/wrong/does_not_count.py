# says: The bad records are not counted by their reasons.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
if fault is None:
    sent = await event.forward(self._good)
else:
    self.found[fault.reason] = 1
    sent = await event.forward(fault.branch, headers={**event.headers, "reason": fault.reason.encode()})
await sent
