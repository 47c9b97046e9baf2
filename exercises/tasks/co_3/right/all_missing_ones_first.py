undeclared = [feature for feature in WINE if feature not in schema]
if undeclared:
    raise RecordRefused(f"its schema does not declare {', '.join(undeclared)}")
whole = {feature: schema[feature].default for feature in WINE} | dict(values)
missing = [feature for feature in WINE if whole[feature] is None]
if missing:
    raise RecordRefused(f"it lacks {', '.join(missing)}")
unfit = [feature for feature in WINE if type(whole[feature]) is not float or not np.isfinite(whole[feature])]
if unfit:
    raise RecordRefused(f"no numbers: {', '.join(unfit)}")
row.extend(whole[feature] for feature in WINE)
