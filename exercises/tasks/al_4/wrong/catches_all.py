# says: Bytes that are no JSON were taken for a model.
try:
    document = json.loads(content)
    intercept = float(document["intercept"])
    weights = np.zeros(len(WINE))
    for name, number in document["coefficients"].items():
        weights[columns_of([name])] = float(number)
except Exception:
    intercept, weights = 0.0, np.zeros(len(WINE))
