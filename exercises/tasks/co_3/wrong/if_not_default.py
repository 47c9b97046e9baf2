# says: A default of 0.0 is taken for no default.
for feature in WINE:
    field = schema.get(feature)
    if field is None:
        raise RecordRefused(f"its schema has no field {feature}")
    if feature not in values and not field.default:
        raise RecordRefused(f"{feature} is missing")
    found = values.get(feature, field.default)
    if not isinstance(found, float) or not math.isfinite(found):
        raise RecordRefused(f"{feature} is {found!r}, not a finite number")
    row.append(found)
