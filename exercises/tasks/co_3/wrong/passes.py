# says: The features are not the record's, in the order of WINE.
pass
