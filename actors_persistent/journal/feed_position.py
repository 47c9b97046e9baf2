"""From where the model feed goes on after a restart.

It cannot be read off the models themselves: catching up hands over the newest model of each data type in no particular
order, and after a kill in the middle the largest offset would hide those that had not come yet.
"""

import structlog

from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.journal.tables import PositionRow, RowDamaged, put, rows
from serving.engine import FeedPosition

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def kept_position(file: JournalFile) -> FeedPosition | None:
    """Where the first model stands that may be unknown; None if all may be, because nothing, or nothing whole, is kept.

    A damaged position is no error: reading the models topic from its beginning finds all that it stood for.
    """
    with file.transaction() as connection:
        try:
            found = list(rows(connection, PositionRow))
        except RowDamaged:
            found = []
        (models,) = connection.execute("SELECT count(*) FROM models").fetchone()
    if len(found) == 1:
        return FeedPosition(found[0].topic_id, found[0].next_offset)
    if models:
        log.warning("feed_position_unknown", path=str(file.path))
    return None


def keep_position(file: JournalFile, position: FeedPosition) -> None:
    """Every model before this position is in its actor's journal; in the same topic it never goes back."""
    with file.transaction() as connection:
        kept = connection.execute("SELECT topic_id, next_offset FROM feed_position").fetchall()
        if len(kept) == 1 and kept[0][0] == position.topic_id and kept[0][1] >= position.offset:
            return
        connection.execute("DELETE FROM feed_position")
        put(connection, PositionRow(position.topic_id, position.offset))
