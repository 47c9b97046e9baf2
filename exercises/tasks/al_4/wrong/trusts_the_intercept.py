# says: An intercept that is no finite number is not refused by its name.
try:
    document = json.loads(content)
except (ValueError, RecursionError):
    raise ModelUnfit("is no JSON", REMEDY) from None
if not isinstance(document, dict) or document.keys() != {"intercept", "coefficients"}:
    raise ModelUnfit("is no object with intercept and coefficients", REMEDY)
intercept, coefficients = document["intercept"], document["coefficients"]
if not isinstance(coefficients, dict):
    raise ModelUnfit("has no coefficients", REMEDY)
for name, number in coefficients.items():
    if type(number) not in (int, float) or not abs(number) <= MAX:
        raise ModelUnfit(f"{name} is no number", REMEDY)
weights = np.zeros(len(WINE))
weights[columns_of(list(coefficients))] = list(coefficients.values())
