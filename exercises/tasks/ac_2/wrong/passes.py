# says: The records of a new data type get no actor.
pass
