# says: The schema's default is not taken for a value that is missing, or for others, too.
for feature in WINE:
    if feature not in schema:
        raise RecordRefused(f"its schema has no field {feature}")
    if feature not in values:
        raise RecordRefused(f"{feature} is missing")
    found = values[feature]
    if not isinstance(found, float) or not math.isfinite(found):
        raise RecordRefused(f"{feature} is {found!r}, not a finite number")
    row.append(found)
