# says: Another actor is replaced than the one that did not answer.
try:
    return handed_on.answer.get(timeout=self._timeout_s)
except Exception as error:
    log.warning("actor_replaced", data_type=message.data_type, reason=self._reason(error))
self._manager.ask(Replace(message.data_type, self._manager), block=True, timeout=self._timeout_s)
handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
