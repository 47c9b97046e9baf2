import math

def number_of(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ModelUnfit(f"{name} is {type(value).__name__}, not a number", REMEDY)
    try:
        converted = float(value)
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise ModelUnfit(f"{name} is not finite", REMEDY)
    return converted

try:
    document = json.loads(content.decode("utf-8"))
except RecursionError:
    raise ModelUnfit("is nested too deeply", REMEDY)
except ValueError as error:
    raise ModelUnfit(f"is not JSON: {error}", REMEDY)
if not isinstance(document, dict):
    raise ModelUnfit("is not an object", REMEDY)
for key in ("intercept", "coefficients"):
    if key not in document:
        raise ModelUnfit(f"has no {key}", REMEDY)
if len(document) > 2:
    raise ModelUnfit("has unknown keys", REMEDY)
if not isinstance(document["coefficients"], dict):
    raise ModelUnfit("coefficients must be an object", REMEDY)
intercept = number_of("intercept", document["intercept"])
weights = np.zeros(11)
for name, value in document["coefficients"].items():
    (column,) = columns_of([name])
    weights[column] = number_of(name, value)
