# says: The manager names another actor than the one that it asked.
if message.data_type not in self._servers:
    self._servers[message.data_type] = self._start(message.data_type)
server = self._servers[message.data_type].server
return HandedOn(self.actor_ref, server.ask(message, block=False))
