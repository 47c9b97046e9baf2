try:
    supervised = self._servers[message.data_type]
except KeyError:
    supervised = self._servers[message.data_type] = self._start(message.data_type)
return HandedOn(server=supervised.server, answer=supervised.server.ask(message, block=False))
