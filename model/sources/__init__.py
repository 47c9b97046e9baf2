"""Where a model's bytes come from: its descriptor, a directory, or a host."""
