try:
    document = json.loads(content)
except RecursionError as error:
    raise ValueError("it is nested too deeply; " + REMEDY) from error
match document:
    case {"intercept": intercept, "coefficients": dict(coefficients), **more} if not more:
        pass
    case _:
        raise ModelUnfit("is of another shape", REMEDY)
columns = columns_of(list(coefficients))
numbers = {**{name: coefficients[name] for name in coefficients}, "intercept": intercept}
for name, number in numbers.items():
    match number:
        case bool():
            raise ModelUnfit(f"has a truth value for {name}", REMEDY)
        case int() | float() if -MAX <= number <= MAX:
            pass
        case _:
            raise ModelUnfit(f"has no finite number for {name}", REMEDY)
weights = np.zeros(len(WINE))
for name, column in zip(coefficients, columns, strict=True):
    weights[column] = coefficients[name]
