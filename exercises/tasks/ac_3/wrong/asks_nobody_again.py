# says: The successor is not asked.
try:
    return handed_on.answer.get(timeout=self._timeout_s)
except Exception as error:
    log.warning("actor_replaced", data_type=message.data_type, reason=self._reason(error))
self._manager.ask(Replace(message.data_type, handed_on.server), block=True, timeout=self._timeout_s)
