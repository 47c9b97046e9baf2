# says: The features are not the record's, in the order of WINE.
row.extend([0.0] * len(WINE))
