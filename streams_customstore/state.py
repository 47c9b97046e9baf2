"""Where state lives: in tables on a store of our own, a SQLite file each, and in the tables' changelogs in Kafka."""

import faust

from serving.streams.application import Application
from serving.streams.table_state import TableState
from streams_customstore.store import store
from streams_customstore.store.models import ModelFile

STORE = f"{store.SCHEME}://"
COUNTERS, MODELS = "state", "models"
ROWS_RESTORED_AT_ONCE = 100  # a row of an earlier version can be a model of megabytes


class CustomStoreState(TableState):
    """Rows of counters and rows of models, each in one SQLite file (``store/store.py``).

    A row of counters for each data type and source partition, and a row for each data type's model.

    A write goes to the file and, soon after, to the changelog. After a ``kill -9`` either can be a little ahead of the
    other, and both can be ahead of the committed offsets: the offsets in the rows say which records are counted.
    """

    async def open(self, app: faust.App, application: Application) -> None:
        """Declare the tables; faust restores the first from disk and changelog when it starts, we the second."""
        store.register()
        counters = app.Table(
            await application.table_name(COUNTERS),
            partitions=application.partitions,
            key_type=bytes,
            value_type=bytes,
            recovery_buffer_size=ROWS_RESTORED_AT_ONCE,
        )
        self.use(counters, await application.model_table(app.conf.tabledir, MODELS, ModelFile))
