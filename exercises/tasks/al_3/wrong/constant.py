# says: The key or the value of the dead letter is not as it came.
headers = [("reason", b"cannot be scored")]
letter = _Letter(rejected, None, b"", headers)
