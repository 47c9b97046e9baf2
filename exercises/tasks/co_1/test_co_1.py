"""Grades co-1: a store reads in the record's partition."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.store import PlayedTable


@pytest.fixture
def table(answer: Answer, tmp_path: Path) -> Iterator[PlayedTable]:
    """Partitions 0 and 2 are this instance's; 1 was, and is still in the file. Two of them have the same key."""
    played = PlayedTable(answer.load().SqliteStore, tmp_path)
    played.assign(0, 2)
    played.write(0, b"wine", b"of partition 0")
    played.write(2, b"wine", b"of partition 2")
    played.write(1, b"old", b"of partition 1")
    played.write(0, b"empty", b"")
    played.write(2, b"cider", b"of partition 2")
    yield played
    played.close()


def test_what_was_written_for_a_record_is_read_for_a_record(table: PlayedTable) -> None:
    value = table.read(0, b"wine")
    expect(
        value == b"of partition 0",
        "What was written for a record of a partition is not read back for its next record.",
        expected=b"of partition 0",
        happened=value,
        means="each batch starts from nothing: the counters never get beyond one batch",
    )


def test_a_key_that_is_not_there_has_no_value(table: PlayedTable) -> None:
    values = (table.read(0, b"never written"), table.query(b"never written"))
    expect(
        values == (None, None),
        "A key that was never written has a value.",
        expected="None for a record and for a query: faust makes a KeyError of it",
        happened=values,
        means="`key in table` is always true, and a default value never used",
    )


def test_a_record_sees_its_own_partition_only(table: PlayedTable) -> None:
    values = (table.read(2, b"wine"), table.read(0, b"cider"))
    expect(
        values == (b"of partition 2", None),
        "A record got the value that another partition has for this key.",
        expected="in partition 2 its own value; in partition 0, where the key is not, None",
        happened=values,
        means="one partition's wines are added to another's counters, and the sum is wrong for good",
    )


def test_an_empty_value_is_a_value(table: PlayedTable) -> None:
    values = (table.read(0, b"empty"), table.query(b"empty"))
    expect(
        values == (b"", b""),
        "An entry whose value is empty was taken for none.",
        expected="b'' for a record and for a query",
        happened=values,
        means="a row of counters that are all zero is an empty protobuf message: it seems never written",
    )


def test_a_query_finds_what_any_active_partition_has(table: PlayedTable) -> None:
    values = (table.query(b"empty"), table.query(b"cider"))
    expect(
        values == (b"", b"of partition 2"),
        "A query did not find the entry of an active partition.",
        expected="b'' from partition 0, b'of partition 2' from partition 2",
        happened=values,
        means="/state/value lacks the wines of all partitions but one",
    )


def test_a_query_does_not_find_what_was_revoked(table: PlayedTable) -> None:
    value = table.query(b"old")
    expect(
        value is None,
        "A query got an entry of a partition that is another instance's now.",
        expected="None: only partition 1, which was revoked, has this key",
        happened=value,
        means="/state/value tells counters that have stood still since the rebalance, and counts them twice",
    )
