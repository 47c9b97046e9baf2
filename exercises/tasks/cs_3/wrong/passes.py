# says: What was to be published is not in a file, line by line.
pass
