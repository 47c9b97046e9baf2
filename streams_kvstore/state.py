"""Where state lives: in RocksDB tables on this server's disk, and in the tables' changelogs in Kafka."""

import faust

from serving.streams.application import Application
from serving.streams.table_state import TableState
from streams_kvstore.store import databases

STORE = f"{databases.SCHEME}://"
COUNTERS, MODELS = "state", "models"
ROWS_RESTORED_AT_ONCE = 100  # a row of an earlier version can be a model of megabytes


class KeyValueState(TableState):
    """Rows of counters and rows of models, in RocksDB databases.

    A row of counters for each data type and source partition, and a row for each data type's model; one database for
    each of the two tables.

    A write goes to RocksDB at once and to the changelog soon after, and the changelog has it before the offsets of the
    records that it counts are committed. So after a ``kill -9`` the database on disk can be ahead of the changelog,
    and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, app: faust.App, application: Application) -> None:
        """Declare the tables; faust restores the first from disk and changelog when it starts, we the second."""
        databases.register()
        counters = app.Table(
            await application.table_name(COUNTERS),
            partitions=application.partitions,
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=ROWS_RESTORED_AT_ONCE,
            options=databases.OPTIONS,
        )
        self.use(counters, await application.model_table(app.conf.tabledir, MODELS, databases.ModelDatabase))
