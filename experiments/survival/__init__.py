"""What each variant survives."""
