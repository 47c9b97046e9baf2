# says: A feature's name as it stands in UCI's file, with spaces, is refused.
document = json.loads(content)
intercept, coefficients = document["intercept"], document["coefficients"]
unknown = coefficients.keys() - set(WINE)
if unknown:
    raise ModelUnfit(f"needs {', '.join(unknown)}", REMEDY)
weights = np.array([coefficients.get(name, 0.0) for name in WINE])
