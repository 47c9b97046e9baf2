# says: TypeError in your code
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
intercept, coefficients = document["intercept"], document["coefficients"]
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
