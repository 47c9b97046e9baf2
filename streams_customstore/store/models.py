"""The table of models in a SQLite file of its own: the same store, used without an engine."""

from pathlib import Path

from streams_customstore.store.database import Database

PARTITION = 0  # the only one of its changelog


class ModelFile:
    """A ``Copy``. Every method raises ``StoreUnusable``, or ``StoreCorrupt``, when the file is."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make an empty one."""
        self._database = Database(path.with_name(f"{path.name}.sqlite3"), on_failure=lambda _: None)
        self._database.open()

    def offset(self) -> int | None:
        """Of the last changelog record that is in it."""
        return self._database.offset(PARTITION)

    def data_types(self) -> list[bytes]:
        """The data types that have a model."""
        return self._database.keys(PARTITION)

    def get(self, data_type: bytes) -> bytes | None:
        """A data type's model."""
        return self._database.get(PARTITION, data_type)

    def put(self, data_type: bytes, value: bytes) -> None:
        """Write a model, in the transaction that ``reached`` commits."""
        self._database.put(PARTITION, data_type, value)

    def reached(self, offset: int) -> None:
        """The changelog has been read up to this record."""
        self._database.advance(PARTITION, offset)
        self._database.commit()

    def close(self) -> None:
        """Commit and close."""
        if self._database.is_open:
            self._database.commit()
            self._database.close()
