# says: A value of 0.0 is not taken as it is.
for feature in WINE:
    field = schema.get(feature)
    if field is None:
        raise RecordRefused(f"its schema has no field {feature}")
    found = values.get(feature) or field.default
    if found is None:
        raise RecordRefused(f"{feature} is missing")
    if not isinstance(found, float) or not math.isfinite(found):
        raise RecordRefused(f"{feature} is {found!r}, not a finite number")
    row.append(found)
