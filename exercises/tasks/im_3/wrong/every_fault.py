# says: A record with two faults is not in the branch of the first one alone.
faults = [each for each in self._faults if each.is_in(event.value)]
if not faults:
    await (await event.forward(self._good))
for fault in faults:
    self.found[fault.reason] += 1
    headers = {**event.headers, "reason": fault.reason.encode()}
    await (await event.forward(fault.branch, headers=headers))
