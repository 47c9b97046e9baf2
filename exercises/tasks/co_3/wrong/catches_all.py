# says: A feature that is missing is not refused.
for feature in WINE:
    try:
        row.append(float(values.get(feature, schema[feature].default)))
    except Exception:
        row.append(0.0)
