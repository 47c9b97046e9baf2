reason = ""
try:
    found = handed_on.answer.get(timeout=self._timeout_s)
except pykka.Timeout:
    reason = "it hangs"
except Exception as died:
    reason = f"it died: {died}"
else:
    return found
print(reason)
self._manager.tell(Replace(data_type=message.data_type, failed=handed_on.server))  # one inbox: it is first
handed_on = self._manager.ask(message, block=False).get(timeout=self._timeout_s)
