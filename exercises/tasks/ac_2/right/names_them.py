match message:
    case Accept() | Restore():
        return True
known = set(self._servers)
with_model = {data_type for data_type, state in self._states.items() if state.model is not None}
return message.data_type in known or len(known - with_model) < MAX_DATA_TYPES_WITHOUT_MODEL
