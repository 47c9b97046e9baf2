# says: The second question is asked before the actor is replaced.
try:
    return handed_on.answer.get(timeout=self._timeout_s)
except Exception:
    failed = handed_on.server
handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
self._manager.ask(Replace(message.data_type, failed), block=True, timeout=self._timeout_s)
