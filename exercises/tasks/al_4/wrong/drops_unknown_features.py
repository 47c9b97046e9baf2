# says: A coefficient of a feature that no record has is not refused by its name.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict) or document.keys() != {"intercept", "coefficients"}:
    raise ModelUnfit("is no object with intercept and coefficients", REMEDY)
intercept, coefficients = document["intercept"], document["coefficients"]
if not isinstance(coefficients, dict):
    raise ModelUnfit("has no coefficients", REMEDY)
named = {name.replace(" ", "_"): number for name, number in coefficients.items()}
weights = np.array([named.get(name, 0.0) for name in WINE])
