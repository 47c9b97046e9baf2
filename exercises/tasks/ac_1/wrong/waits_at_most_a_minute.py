# says: The manager waits for the actor that it has asked.
if message.data_type not in self._servers:
    self._servers[message.data_type] = self._start(message.data_type)
server = self._servers[message.data_type].server
answer = server.ask(message, block=False)
with contextlib.suppress(pykka.Timeout):
    answer.get(timeout=60.0)
return HandedOn(server, answer)
