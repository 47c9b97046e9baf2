headers, branch = dict(event.headers), self._good
for fault in reversed(self._faults):
    if fault.is_in(event.value):
        branch, headers["reason"] = fault.branch, fault.reason.encode()
if "reason" in headers:
    self.found[headers["reason"].decode()] += 1
sent = await branch.send(key=event.key, value=event.value, headers=headers)
await sent
