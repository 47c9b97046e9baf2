# says: A coefficient was given to another feature than the one that it names.
document = json.loads(content)
intercept, coefficients = document["intercept"], document["coefficients"]
weights = np.zeros(len(WINE))
weights[: len(coefficients)] = list(coefficients.values())
