# says: An actor that does not answer is not replaced.
try:
    return handed_on.answer.get(timeout=self._timeout_s)
except Exception:
    return None
