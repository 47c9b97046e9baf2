# says: The results are not those of the records.
results = [None for _ in records]
return results
