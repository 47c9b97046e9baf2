# says: The scored records of a batch are not accounted for.
pass
