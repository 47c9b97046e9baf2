# says: The features are not the record's, in the order of WINE.
for name, field in schema.items():
    found = values.get(name, field.default)
    if name not in WINE:
        continue
    if found is None:
        raise RecordRefused(f"{name} is missing")
    row.append(found)
