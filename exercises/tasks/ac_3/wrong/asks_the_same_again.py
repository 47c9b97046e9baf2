# says: An actor that does not answer is not replaced.
try:
    return handed_on.answer.get(timeout=self._timeout_s)
except Exception as error:
    log.warning("asked_again", data_type=message.data_type, reason=self._reason(error))
handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
