# says: The states after the batch were not written once.
async def finish() -> None:
    pass
