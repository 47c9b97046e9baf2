# says: The actor's answer never comes.
if message.data_type not in self._servers:
    self._servers[message.data_type] = self._start(message.data_type)
server = self._servers[message.data_type].server
server.tell(message)
return HandedOn(server, pykka.ThreadingFuture())
