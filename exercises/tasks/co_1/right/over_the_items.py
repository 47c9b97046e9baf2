event = current_event()
if event is None:
    return dict(self._iteritems()).get(key)
return dict(self._database.items(event.message.partition)).get(key)
