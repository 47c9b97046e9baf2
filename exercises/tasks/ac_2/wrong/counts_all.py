# says: A data type that has a model counts as one without.
if not isinstance(message, Score) or message.data_type in self._servers:
    return True
return len(self._servers) < MAX_DATA_TYPES_WITHOUT_MODEL
