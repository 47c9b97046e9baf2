# says: A feature that the schema does not declare is not refused.
for feature in WINE:
    found = values.get(feature)
    if found is None and feature in schema:
        found = schema[feature].default
    if found is None:
        raise RecordRefused(f"{feature} is missing")
    if not isinstance(found, float) or not math.isfinite(found):
        raise RecordRefused(f"{feature} is {found!r}, not a finite number")
    row.append(found)
