# says: A record has lost its key on the way.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
branch, headers = self._good, dict(event.headers)
if fault is not None:
    self.found[fault.reason] += 1
    branch, headers["reason"] = fault.branch, fault.reason.encode()
await (await branch.send(value=event.value, headers=headers))
