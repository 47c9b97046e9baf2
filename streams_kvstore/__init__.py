"""streams_kvstore."""
