"""streams_customstore."""
