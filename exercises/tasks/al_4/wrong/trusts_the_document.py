# says: RecursionError in your code
document = json.loads(content)
intercept, coefficients = document["intercept"], document["coefficients"]
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
