"""What a server may be told, and the types that check it: a mistake is one line at the start."""
