supervised = self._servers.get(message.data_type)
if supervised is None:
    journal = Journal(self._file, message.data_type)
    supervised = _Supervised(ModelServer.start(journal, self.actor_ref, self._load), journal)
    self._servers[message.data_type] = supervised
answer = supervised.server.ask(message, block=False)
return HandedOn(supervised.server, answer)
