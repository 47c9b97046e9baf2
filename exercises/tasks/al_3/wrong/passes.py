# says: NameError in your code
pass
