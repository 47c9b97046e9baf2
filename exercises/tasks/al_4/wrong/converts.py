# says: A coefficient that is no number is not refused by its feature's name.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict) or document.keys() != {"intercept", "coefficients"}:
    raise ModelUnfit("is no object with intercept and coefficients", REMEDY)
coefficients = document["coefficients"]
if not isinstance(coefficients, dict):
    raise ModelUnfit("has no coefficients", REMEDY)
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = [float(number) for number in coefficients.values()]
intercept = float(document["intercept"])
