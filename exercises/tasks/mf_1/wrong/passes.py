# says: IllegalStateError in feed.py
pass
