# says: A bad record is not in the branch of its fault alone.
await (await event.forward(self._good))
