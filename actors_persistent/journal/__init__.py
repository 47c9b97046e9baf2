"""The actors' memory: events, snapshots and the feed's position in one SQLite file. See ``README.md``."""
