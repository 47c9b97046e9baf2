# says: A feature that is missing is not refused.
for feature in WINE:
    field = schema.get(feature)
    if field is None:
        raise RecordRefused(f"its schema has no field {feature}")
    default = 0.0 if field.default is None else field.default
    found = values.get(feature, default)
    if not isinstance(found, float) or not math.isfinite(found):
        raise RecordRefused(f"{feature} is {found!r}, not a finite number")
    row.append(found)
