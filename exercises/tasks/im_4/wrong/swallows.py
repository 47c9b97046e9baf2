# says: A record's error did not make one dead letter of this record.
try:
    await self._process(record)
except Exception:
    pass
return
