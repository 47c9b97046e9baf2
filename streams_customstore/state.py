"""Where state lives: in tables on a store of our own, a SQLite file each, and in the tables' changelogs in Kafka."""

from fastapi import APIRouter

from serving.streams import queries
from serving.streams.application import Application
from serving.streams.queryable import QueryableEngine
from serving.streams.table_state import TableState
from streams_customstore.store import store
from streams_customstore.store.models import ModelFile

COUNTERS, MODELS = "state", "models"
STORE = f"{store.SCHEME}://"


class CustomStoreState(TableState):
    """A row of counters for each data type and source partition, in one SQLite file for all partitions
    (``store/store.py``); and a row for each data type's model, in another one.

    A write goes to the file and, soon after, to the changelog. After a ``kill -9`` either can be a little ahead of the
    other, and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, application: Application) -> None:
        """Declare the tables; faust fills one from the disk and the changelog when it starts, the other is filled."""
        store.register()
        counters = await application.table(COUNTERS, STORE)
        self.use(counters, await application.model_table(MODELS, ModelFile))


def routes(engine: QueryableEngine) -> APIRouter:
    """The paths that answer for this state."""
    return queries.routes(engine.application)
