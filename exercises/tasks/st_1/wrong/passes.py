# says: AttributeError in your code
pass
