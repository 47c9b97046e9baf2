"""What can go wrong with the store, one class per condition, each with its remedy."""

from pathlib import Path

from model.errors import ServingError


class StoreCorrupt(ServingError):
    """The file is not what was written: a damaged disk, or another program's file."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the store {path} is corrupt: start this server again, which sets the file aside and restores it from its"
            " changelog"
        )
        self.path = path


class StoreUnusable(ServingError):
    """The file cannot be read or written: no space, no right, a disk that is gone."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the store {path} cannot be read or written ({reason}): give it room and the right to it, or another"
            " --data-dir, and start this server again"
        )
        self.path = path
        self.reason = reason


class StoreClosed(ServingError):
    """The store is asked before the engine has started it, or after its stop."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the store {path} is not open: ask again when this server is ready")
        self.path = path


class WrittenOutsideRecord(ServingError):
    """A write has no partition of its own: it goes to that of the record in flight, and none is."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"table {table} can be written only while a record is in flight: the partition is that record's"
        )
        self.table = table


class TableNotPartitioned(ServingError):
    """A table whose entries do not go to their record's partition."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"table {table} is a GlobalTable or has use_partitioner=True, so a record's partition is not its entries':"
            " use a plain app.Table, or store='rocksdb://'"
        )
        self.table = table


class BackupNotKept(ServingError):
    """The changelog is the backup of every partition, and the only one."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the store {path} keeps no backups, as its changelog is one; for a copy of the whole file:"
            f" sqlite3 {path} '.backup COPY'"
        )
        self.path = path
