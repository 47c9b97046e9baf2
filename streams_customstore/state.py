"""Where state lives: in a table on a store of our own, one SQLite file, and in the table's changelog in Kafka."""

from fastapi import APIRouter

from serving.streams import queries
from serving.streams.application import Application
from serving.streams.queryable import QueryableEngine
from serving.streams.table_state import TableState
from streams_customstore import store

TABLE = "state"
STORE = f"{store.SCHEME}://"


class CustomStoreState(TableState):
    """Two rows for each data type and source partition; one SQLite file for all partitions (``store.py``).

    A write goes to the file and, soon after, to the changelog. After a ``kill -9`` either can be a little ahead of the
    other, and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, application: Application) -> None:
        """Declare the table; faust fills it from the disk and the changelog when it starts."""
        store.register()
        self.use(await application.table(TABLE, STORE))


def routes(engine: QueryableEngine) -> APIRouter:
    """The paths that answer for this state."""
    return queries.routes(engine.application)
