with contextlib.suppress(Exception):
    return handed_on.answer.get(timeout=self._timeout_s)
log.warning("actor_replaced", data_type=message.data_type)
self._manager.ask(Replace(message.data_type, handed_on.server), timeout=self._timeout_s)
handed_on = self._manager.ask(message, timeout=self._timeout_s)
