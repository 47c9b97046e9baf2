"""actors_persistent."""
