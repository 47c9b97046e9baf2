"""What the clients share about terminals: panels, paces, harmless text, and how Ctrl-C ends them."""
