"""How fast each variant is."""
