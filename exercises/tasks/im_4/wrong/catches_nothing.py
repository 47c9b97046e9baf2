# says: ValueError in your code
await self._process(record)
return
