# says: The outcome of the batch was not sent once.
async def finish() -> None:
    pass
