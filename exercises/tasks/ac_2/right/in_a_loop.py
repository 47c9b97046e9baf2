if isinstance(message, Score) and message.data_type not in self._servers:
    strangers = 0
    for data_type in self._servers:
        state = self._states.get(data_type)
        if state is None or state.model is None:
            strangers += 1
    return strangers + 1 <= MAX_DATA_TYPES_WITHOUT_MODEL
return True
