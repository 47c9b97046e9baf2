def number(feature: str) -> float:
    if feature not in schema:
        raise RecordRefused(f"{feature}: not in the schema")
    if feature in values:
        found = values[feature]
    elif schema[feature].default is not None:
        found = schema[feature].default
    else:
        raise RecordRefused(f"{feature}: no value and no default")
    match found:
        case bool() | str():
            raise RecordRefused(f"{feature}: {found} is no number")
        case float() | int() if -math.inf < found < math.inf:
            return float(found)
    raise RecordRefused(f"{feature}: {found} is not finite")

row += [number(feature) for feature in WINE]
