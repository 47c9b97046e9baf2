# says: A number that is not finite is not refused.
for feature in WINE:
    field = schema.get(feature)
    if field is None:
        raise RecordRefused(f"its schema has no field {feature}")
    found = values.get(feature, field.default)
    if found is None:
        raise RecordRefused(f"{feature} is missing")
    if not isinstance(found, float):
        raise RecordRefused(f"{feature} is {found!r}, not a number")
    row.append(found)
