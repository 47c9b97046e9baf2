# says: IllegalStateError in your code
pass
