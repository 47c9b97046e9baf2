# says: An answer that is False is taken for no answer.
answer = None
with contextlib.suppress(Exception):
    answer = handed_on.answer.get(timeout=self._timeout_s)
if answer:
    return answer
self._manager.ask(Replace(message.data_type, handed_on.server), block=True, timeout=self._timeout_s)
handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
