# says: A document that lacks its intercept or its coefficients was taken for a model.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict):
    raise ModelUnfit("is no object", REMEDY)
intercept, coefficients = document.get("intercept", 0.0), document.get("coefficients", {})
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
