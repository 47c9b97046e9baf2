# says: One data type more than the limit gets an actor.
return True
