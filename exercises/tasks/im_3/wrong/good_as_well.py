# says: A bad record is not in the branch of its fault alone.
for fault in self._faults:
    if fault.is_in(event.value):
        self.found[fault.reason] += 1
        headers = {**event.headers, "reason": fault.reason.encode()}
        await (await event.forward(fault.branch, headers=headers))
        break
await (await event.forward(self._good))
