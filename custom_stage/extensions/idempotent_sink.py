"""An idempotent sink: the newest result of each record id, in one SQLite file, however often a result is delivered.

At-least-once delivers some results twice. Here that changes nothing, and the source's offsets are written in the same
transaction as the results: a reader of the file sees both or neither, and a server that starts again seeks to
``next_offset``. That is exactly-once without Kafka's transactions, for a sink that is one database.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from protobufs.serving_result_pb2 import ServingResult

TABLES = """
    CREATE TABLE IF NOT EXISTS results (
        record_id TEXT PRIMARY KEY,
        value REAL NOT NULL,
        model_name TEXT NOT NULL,
        source_offset INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS positions (source_partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
"""


class ResultTable:
    """One writer; any number of readers, who use connections of their own.

    Records with one id are in one partition, as Kafka's producers place them by their key: so the higher offset is the
    newer one. That ends where partitions are added to a topic.
    """

    def __init__(self, file: Path) -> None:
        """``file`` is made if it is not there.

        Raises:
            sqlite3.Error: it is no database, or cannot be written.
        """
        self._database = sqlite3.connect(file)
        self._database.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
        self._database.executescript(TABLES)

    def write(self, results: Sequence[ServingResult], next_offsets: Mapping[int, int]) -> None:
        """Write what became of a batch; in Kafka its offsets may be committed afterwards, or never.

        Args:
            results: of any records, in any order.
            next_offsets: by source partition, the first offset after the batch; its last records may have no result.
        Raises:
            sqlite3.Error: nothing of the batch is written.
        """
        # exercise[cs-7]: in one transaction insert each result, or update an older one, and move the offsets forward
        rows = [(each.record_id, each.value, each.model_name, each.source_offset) for each in results]
        with self._database:
            self._database.executemany(
                """INSERT INTO results (record_id, value, model_name, source_offset) VALUES (?, ?, ?, ?)
                ON CONFLICT (record_id) DO UPDATE
                SET value = excluded.value, model_name = excluded.model_name, source_offset = excluded.source_offset
                WHERE excluded.source_offset > source_offset""",
                rows,
            )
            self._database.executemany(
                """INSERT INTO positions (source_partition, next_offset) VALUES (?, ?)
                ON CONFLICT (source_partition) DO UPDATE SET next_offset = max(next_offset, excluded.next_offset)""",
                next_offsets.items(),
            )
        # end[cs-7]

    def next_offset(self, source_partition: int) -> int:
        """Where to go on in this partition; 0 where nothing of it has been written."""
        asked = "SELECT next_offset FROM positions WHERE source_partition = ?"
        row = self._database.execute(asked, (source_partition,)).fetchone()
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Nothing is lost without it."""
        self._database.close()
