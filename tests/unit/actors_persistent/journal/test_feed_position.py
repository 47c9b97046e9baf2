"""From where the model feed goes on: one row, which never goes back."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from actors_persistent.journal.feed_position import keep_position, kept_position
from actors_persistent.journal.journal_file import JournalFile
from serving.engine import FeedPosition

ROUNDS = 50


@pytest.fixture
def file(tmp_path: Path) -> Iterator[JournalFile]:
    file = JournalFile(tmp_path, fsync=False)
    file.open()
    yield file
    file.close()


def test_it_is_nowhere_until_it_is_kept_and_then_where_it_was_kept_last(file: JournalFile) -> None:
    assert kept_position(file) is None
    for position in (FeedPosition("one", 0), FeedPosition("one", 2**40), FeedPosition("another", 3)):
        keep_position(file, position)
        assert kept_position(file) == position
    keep_position(file, FeedPosition("another", 2))
    assert kept_position(file) == FeedPosition("another", 3), "it never goes back"


def test_whoever_keeps_it_at_the_same_time_the_furthest_position_stays(file: JournalFile) -> None:
    def keep(first: int) -> None:
        for offset in range(first, 2 * ROUNDS, 2):
            keep_position(file, FeedPosition("topic", offset))

    writers = [threading.Thread(target=keep, args=[first]) for first in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert kept_position(file) == FeedPosition("topic", 2 * ROUNDS - 1)


@pytest.mark.parametrize(
    "damage", ["DELETE FROM feed_position", "UPDATE feed_position SET next_offset = 9", "DROP TABLE feed_position"]
)
def test_one_that_is_damaged_or_gone_is_no_error_but_a_line_and_the_beginning(
    file: JournalFile, tmp_path: Path, damage: str
) -> None:
    keep_position(file, FeedPosition("topic", 3))
    file.close()
    with closing(sqlite3.connect(file.path)) as connection, connection:
        connection.execute("INSERT INTO models VALUES ('wine', 1, 'm', 't', 2, 0, x'', 0)")
        connection.execute(damage)
    file.open()
    with structlog.testing.capture_logs() as logged:
        assert kept_position(file) is None
    assert [(line["event"], line["path"]) for line in logged] == [("feed_position_unknown", str(file.path))]
