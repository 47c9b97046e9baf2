"""Grades cs-7: an idempotent sink."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from protobufs.serving_result_pb2 import ServingResult

Row = tuple[float, str, int]


class Reader:
    """Reads the file with a connection of its own: it sees what is committed."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file)

    def row(self, record_id: str) -> Row | None:
        """Its value, model and offset."""
        asked = "SELECT value, model_name, source_offset FROM results WHERE record_id = ?"
        row: Row | None = self._database.execute(asked, (record_id,)).fetchone()
        return row

    def next_offset(self, partition: int) -> int | None:
        """Of this partition."""
        asked = "SELECT next_offset FROM positions WHERE source_partition = ?"
        row = self._database.execute(asked, (partition,)).fetchone()
        return None if row is None else int(row[0])

    def close(self) -> None:
        """Of the connection."""
        self._database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results.sqlite"


@pytest.fixture
def table(answer: Answer, file: Path) -> Iterator[Any]:
    made = answer.load().ResultTable(file)
    yield made
    made.close()


@pytest.fixture
def reader(table: Any, file: Path) -> Iterator[Reader]:
    made = Reader(file)
    yield made
    made.close()


def result(record_id: str, value: float, offset: int, model: str = "forest") -> ServingResult:
    return ServingResult(
        data_type="wine", record_id=record_id, value=value, model_name=model, source_partition=0, source_offset=offset
    )


def test_results_are_written(table: Any, reader: Reader) -> None:
    table.write([result("a", 5.5, 3), result("b", 6.5, 4)], {0: 5})
    found = [reader.row("a"), reader.row("b")]
    expect(
        found == [(5.5, "forest", 3), (6.5, "forest", 4)],
        "A result of the batch is not in the table, as others see it.",
        expected="two rows: a with 5.5, b with 6.5, committed",
        happened=f"a: {found[0]}, b: {found[1]}",
        means="the offsets are committed in Kafka, and these scores are nowhere",
    )


def test_the_next_offset_is_written(table: Any, reader: Reader) -> None:
    table.write([result("a", 5.5, 3)], {0: 5, 1: 9})
    found = [reader.next_offset(0), reader.next_offset(1)]
    expect(
        found == [5, 9],
        "The next offset of a partition is not in the table.",
        expected="partition 0: 5, partition 1: 9",
        happened=f"partition 0: {found[0]}, partition 1: {found[1]}",
        means="the server does not know where to go on, and begins with the first record",
    )
    table.write([result("c", 5.5, 12)], {0: 13})
    found = [reader.next_offset(0), reader.next_offset(1)]
    expect(
        found == [13, 9],
        "A second batch has not moved its partition's next offset, or that of another one.",
        expected="partition 0: 13, partition 1: 9",
        happened=f"partition 0: {found[0]}, partition 1: {found[1]}",
        means="after a restart batches are scored again, or never",
    )


def test_a_newer_result_replaces_the_older_one(table: Any, reader: Reader) -> None:
    table.write([result("a", 5.5, 3)], {0: 4})
    table.write([result("a", 7.0, 8, model="network")], {0: 9})
    row = reader.row("a")
    expect(
        row is not None and row[0] == 7.0,
        "A newer result has not replaced the older one.",
        expected="the wine came again at offset 8: 7.0",
        happened=row,
        means="the table shows for ever what was known of a wine at first",
    )
    expect(
        row == (7.0, "network", 8),
        "A newer result has replaced only a part of the row.",
        expected=(7.0, "network", 8),
        happened=row,
        means="the score of one model stands beside the name or the offset of another one's",
    )


def test_an_out_of_date_result_changes_nothing(table: Any, reader: Reader) -> None:
    table.write([result("a", 7.0, 8)], {0: 9})
    table.write([result("a", 5.5, 3)], {0: 4})
    expect(
        reader.row("a") == (7.0, "forest", 8),
        "An out-of-date result has overwritten a newer one.",
        expected="offset 8 is newer than offset 3: 7.0 stays",
        happened=reader.row("a"),
        means="after each crash the table goes back to old scores, until all is read again",
    )


def test_the_newest_of_a_batch_stays_at_any_place(table: Any, reader: Reader) -> None:
    table.write([result("a", 7.0, 8), result("a", 5.5, 3)], {0: 9})
    expect(
        reader.row("a") == (7.0, "forest", 8),
        "Of two results with one id in a batch, not the newer one is in the table.",
        expected="offset 8 is newer than offset 3: 7.0",
        happened=reader.row("a"),
        means="which score is shown depends on how the batch was put together",
    )


def test_a_redelivered_result_changes_nothing(table: Any, reader: Reader) -> None:
    table.write([result("a", 5.5, 3)], {0: 4})
    table.write([result("a", 6.25, 3, model="network")], {0: 4})
    expect(
        reader.row("a") == (5.5, "forest", 3),
        "A redelivered result has overwritten the first one.",
        expected="record 3 was scored again by a newer model: the first score, 5.5, stays",
        happened=reader.row("a"),
        means="who acted on the first score finds another one there after a crash",
    )


def test_a_redelivered_batch_moves_no_offset_back(table: Any, reader: Reader) -> None:
    table.write([result("a", 7.0, 8)], {0: 9})
    table.write([result("b", 5.5, 3)], {0: 4})
    expect(
        reader.next_offset(0) == 9,
        "A redelivered batch has moved the next offset back.",
        expected="9: all before it is written",
        happened=reader.next_offset(0),
        means="the next start reads records 4 to 8 again, which may be days of work",
    )


def test_a_result_and_its_offset_are_seen_together(table: Any, reader: Reader) -> None:
    seen = []
    table._database.set_trace_callback(
        lambda _statement: seen.append(
            (reader.row("a") is not None, reader.row("b") is not None, reader.next_offset(0))
        )
    )
    table.write([result("a", 5.5, 3), result("b", 6.5, 4)], {0: 5})
    table._database.set_trace_callback(None)
    whole = ((False, False, None), (True, True, 5))
    halves = [each for each in seen if each not in whole]
    expect(
        not halves,
        "The batch is not one transaction: a reader saw a part of it.",
        expected="results a and b and next offset 5, or nothing of it",
        happened=f"seen between two statements - a there, b there, next offset: {halves[:1]}",
        means="a crash at that moment loses results, or leaves them without an offset",
    )


def test_nothing_of_a_batch_is_written_when_it_fails(table: Any, reader: Reader) -> None:
    raised = False
    try:
        table.write([result("a", 5.5, 3), result("b", float("nan"), 4)], {0: 5})  # NaN is NULL for SQLite
    except sqlite3.Error:
        raised = True
    expect(
        raised,
        "An error of the database is swallowed.",
        expected="the second result cannot be stored: sqlite3.IntegrityError goes to the caller",
        happened="write returned as if all were well",
        means="the server commits the batch in Kafka, and its results are lost",
    )
    table.write([result("c", 5.5, 0)], {})
    found = (reader.row("a") is not None, reader.next_offset(0))
    expect(
        found == (False, None),
        "A part of a batch that failed is in the table.",
        expected="nothing of it, neither now nor with the next batch",
        happened=f"result a there: {found[0]}, next offset: {found[1]}",
        means="a reader sees half a batch, and the server goes on behind it",
    )
