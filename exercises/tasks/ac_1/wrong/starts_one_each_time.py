# says: An actor was started for a data type that has one.
server = self._servers.setdefault(message.data_type, self._start(message.data_type)).server
return HandedOn(server, server.ask(message, block=False))
