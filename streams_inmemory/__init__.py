"""streams_inmemory."""
