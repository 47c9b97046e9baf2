"""What the registry could load besides; it does not. Each module is an exercise, and complete as it is."""
