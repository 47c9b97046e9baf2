"""What can go wrong with a RocksDB database, one class per condition, each with its remedy."""

from pathlib import Path

from model.errors import ServingError


class DatabaseUnusable(ServingError):
    """A database cannot be read or written, though it is not damaged: no space, no right, no file descriptor left."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the database {path} cannot be read or written ({' '.join(reason.split())[:300]}): give it what it lacks,"
            " or another --data-dir, and start this server again"
        )
        self.path = path
        self.reason = reason
