# says: On the cluster that is named, topics are not created
pass
