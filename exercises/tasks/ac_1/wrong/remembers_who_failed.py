# says: After a replacement a message still goes to the actor that failed.
if not hasattr(self, "_references"):
    self._references = {}
if message.data_type not in self._references:
    self._servers[message.data_type] = self._start(message.data_type)
    self._references[message.data_type] = self._servers[message.data_type].server
server = self._references[message.data_type]
return HandedOn(server, server.ask(message, block=False))
