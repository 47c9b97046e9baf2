# says: A text or a truth value is not refused.
for feature in WINE:
    field = schema.get(feature)
    if field is None:
        raise RecordRefused(f"its schema has no field {feature}")
    found = values.get(feature, field.default)
    if found is None:
        raise RecordRefused(f"{feature} is missing")
    try:
        number = float(found)
    except ValueError:
        raise RecordRefused(f"{feature} is {found!r}, not a number") from None
    if not math.isfinite(number):
        raise RecordRefused(f"{feature} is {number}, not a finite number")
    row.append(number)
