# says: Coefficients that are no object were accepted.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict) or document.keys() != {"intercept", "coefficients"}:
    raise ModelUnfit("is no object with intercept and coefficients", REMEDY)
intercept, coefficients = document["intercept"], document["coefficients"]
if isinstance(coefficients, list):
    coefficients = dict(zip(WINE, coefficients))
if not isinstance(coefficients, dict):
    raise ModelUnfit("has no coefficients", REMEDY)
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
