# says: A model that loads is not handed over
return True
