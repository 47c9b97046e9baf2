# says: AttributeError in your code
return self._database.get(current_event().message.partition, key)
