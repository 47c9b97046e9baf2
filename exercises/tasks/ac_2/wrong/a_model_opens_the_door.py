# says: A model makes room for more than one data type.
if not isinstance(message, Score) or message.data_type in self._servers:
    return True
if any(state.model is not None for state in self._states.values()):
    return True
return len(self._servers) < MAX_DATA_TYPES_WITHOUT_MODEL
