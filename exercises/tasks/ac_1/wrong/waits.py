# says: The manager waits for the actor that it has asked.
if message.data_type not in self._servers:
    self._servers[message.data_type] = self._start(message.data_type)
server = self._servers[message.data_type].server
answer = pykka.ThreadingFuture()
answer.set(server.ask(message))
return HandedOn(server, answer)
