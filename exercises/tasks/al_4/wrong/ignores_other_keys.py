# says: A key that this format does not have was ignored.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict) or not {"intercept", "coefficients"} <= document.keys():
    raise ModelUnfit("is no object with intercept and coefficients", REMEDY)
intercept, coefficients = document["intercept"], document["coefficients"]
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
