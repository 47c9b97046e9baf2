# says: A number is refused that is one, and is finite.
document = json.loads(content)
intercept, coefficients = document["intercept"], document["coefficients"]
for name, number in [("intercept", intercept), *coefficients.items()]:
    if not isinstance(number, float):
        raise ModelUnfit(f"{name} is no number", REMEDY)
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
