for fault in self._faults:
    if fault.is_in(event.value):
        self.found.update([fault.reason])
        headers = dict(event.headers)
        headers["reason"] = fault.reason.encode("utf-8")
        await (await event.forward(fault.branch, headers=headers))
        break
else:
    delivery = await event.forward(self._good)
    await delivery
