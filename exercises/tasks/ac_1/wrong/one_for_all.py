# says: A message went to the actor of another data type.
if not self._servers:
    self._servers[message.data_type] = self._start(message.data_type)
server = next(iter(self._servers.values())).server
return HandedOn(server, server.ask(message, block=False))
