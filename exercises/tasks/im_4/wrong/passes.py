# says: A record with which nothing is wrong was not processed exactly once.
return
