# says: Actors that have not told their state yet are not counted.
if not isinstance(message, Score) or message.data_type in self._servers:
    return True
return sum(state.model is None for state in self._states.values()) < MAX_DATA_TYPES_WITHOUT_MODEL
