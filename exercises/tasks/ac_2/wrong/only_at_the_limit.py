# says: When models have gone above the limit, strangers get an actor again.
if not isinstance(message, Score) or message.data_type in self._servers:
    return True
with_model = sum(state.model is not None for state in self._states.values())
return len(self._servers) - with_model != MAX_DATA_TYPES_WITHOUT_MODEL
