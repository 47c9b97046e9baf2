"""What happens while records come in faster than they are scored: three policies, and the file one of them uses."""
