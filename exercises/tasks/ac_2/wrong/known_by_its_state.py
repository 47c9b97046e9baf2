# says: A data type that has an actor is turned away.
if not isinstance(message, Score) or message.data_type in self._states:
    return True
with_model = sum(state.model is not None for state in self._states.values())
return len(self._servers) - with_model < MAX_DATA_TYPES_WITHOUT_MODEL
