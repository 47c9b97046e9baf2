# says: The second message of a data type went to another actor than the first.
self._servers[message.data_type] = self._start(message.data_type)
server = self._servers[message.data_type].server
return HandedOn(server, server.ask(message, block=False))
