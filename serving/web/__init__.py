"""Who may ask a server over HTTP, and what it answers."""
