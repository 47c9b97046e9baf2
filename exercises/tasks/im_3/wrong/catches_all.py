# says: The broker refused a record, and the agent went on.
fault = next((each for each in self._faults if each.is_in(event.value)), None)
try:
    if fault is None:
        sent = await event.forward(self._good)
    else:
        self.found[fault.reason] += 1
        sent = await event.forward(fault.branch, headers={**event.headers, "reason": fault.reason.encode()})
    await sent
except Exception as error:
    print("not sent:", error)
