# says: A record with two faults is not in the branch of the first one alone.
fault = None
for each in self._faults:
    if each.is_in(event.value):
        fault = each
if fault is None:
    sent = await event.forward(self._good)
else:
    self.found[fault.reason] += 1
    sent = await event.forward(fault.branch, headers={**event.headers, "reason": fault.reason.encode()})
await sent
