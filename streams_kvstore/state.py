"""Where state lives: in RocksDB tables on this server's disk, and in the tables' changelogs in Kafka."""

from fastapi import APIRouter

from serving.streams import queries
from serving.streams.application import Application
from serving.streams.queryable import QueryableEngine
from serving.streams.table_state import TableState
from streams_kvstore.store import databases

COUNTERS, MODELS = "state", "models"
STORE = f"{databases.SCHEME}://"


class KeyValueState(TableState):
    """A row of counters for each data type and source partition, in one RocksDB database per partition; and a row for
    each data type's model, in one database.

    A write goes to RocksDB at once and to the changelog soon after, and the changelog has it before the offsets of the
    records that it counts are committed. So after a ``kill -9`` the database on disk can be ahead of the changelog,
    and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, application: Application) -> None:
        """Declare the tables; faust fills one from the disk and the changelog when it starts, the other is filled."""
        databases.register()
        counters = await application.table(COUNTERS, STORE, databases.OPTIONS)
        self.use(counters, await application.model_table(MODELS, databases.ModelDatabase))


def routes(engine: QueryableEngine) -> APIRouter:
    """The paths that answer for this state."""
    return queries.routes(engine.application)
