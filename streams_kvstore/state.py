"""Where state lives: in a RocksDB table on this server's disk, and in the table's changelog in Kafka."""

from fastapi import APIRouter

from serving.streams import queries
from serving.streams.application import Application
from serving.streams.queryable import QueryableEngine
from serving.streams.table_state import TableState

TABLE = "state"
STORE = "rocksdb://"
OPTIONS = {
    # faust asks RocksDB for 50 GB of block cache and 96 MB of write buffers per partition: for a handful of rows.
    "block_cache_size": 8 * 1024 * 1024,
    "block_cache_compressed_size": 0,
    "write_buffer_size": 4 * 1024 * 1024,
}


class KeyValueState(TableState):
    """Two rows for each data type and source partition; one RocksDB database per partition.

    A write goes to RocksDB at once and to the changelog soon after, and the changelog has it before the offsets of the
    records that it counts are committed. So after a ``kill -9`` the database on disk can be ahead of the changelog,
    and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, application: Application) -> None:
        """Declare the table; faust fills it from the disk and the changelog when it starts."""
        self.use(await application.table(TABLE, STORE, OPTIONS))


def routes(engine: QueryableEngine) -> APIRouter:
    """The paths that answer for this state."""
    return queries.routes(engine.application)
