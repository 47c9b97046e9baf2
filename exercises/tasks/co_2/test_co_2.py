"""Grades co-2: restore, and how far."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.store import ChangelogRecord, PlayedTable
from streams_customstore.store.errors import StoreUnusable


class WatchedDatabase:
    """The store's database; a grader does something after each call."""

    def __init__(self, database: Any, after_each: Callable[[], None]) -> None:
        self._database = database
        self._after_each = after_each

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._database, name)
        if not callable(found):
            return found

        def called(*args: Any) -> Any:
            result = found(*args)
            self._after_each()
            return result

        return called


@pytest.fixture
def table(answer: Answer, tmp_path: Path) -> Iterator[PlayedTable]:
    """An empty table with all its partitions."""
    directory = tmp_path / "disk"
    directory.mkdir()
    played = PlayedTable(answer.load().SqliteStore, directory)
    played.assign(0, 1, 2)
    yield played
    played.close()


def test_entries_are_restored_to_their_own_partitions(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 4, b"wine", b"of 0"), ChangelogRecord(1, 7, b"wine", b"of 1")])
    values = [table.read(partition, b"wine") for partition in range(3)]
    expect(
        values == [b"of 0", b"of 1", None],
        "After the restore an entry is missing, or in the wrong partition.",
        expected=[b"of 0", b"of 1", None],
        happened=values,
        means="after a lost disk the counters are gone, or another partition's",
    )


def test_a_tombstone_deletes_and_an_empty_value_does_not(table: PlayedTable) -> None:
    deleted, empty = b"deleted", b"empty"
    table.restore([ChangelogRecord(0, 0, deleted, b"value"), ChangelogRecord(0, 1, empty, b"value")])
    table.restore([ChangelogRecord(0, 2, deleted, None), ChangelogRecord(0, 3, empty, b"")])
    expect(
        table.read(0, deleted) is None,
        "An entry is still there that the changelog has deleted.",
        expected="no entry: the last record of this key is a tombstone, its value is None",
        happened=table.read(0, deleted),
        means="what an agent deleted is back after each restore",
    )
    expect(
        table.read(0, empty) == b"",
        "An empty value in the changelog was not restored as one.",
        expected="b''",
        happened=table.read(0, empty),
        means="a row of counters that are all zero, an empty protobuf message, is not there after a restore",
    )


def test_the_persisted_offsets_are_those_of_the_last_records(table: PlayedTable) -> None:
    table.restore(
        [ChangelogRecord(0, 4, b"a", b""), ChangelogRecord(1, 7, b"a", b""), ChangelogRecord(0, 5, b"b", b"")]
    )
    offsets = [table.persisted(partition) for partition in range(3)]
    expect(
        offsets == [5, 7, None],
        "A persisted offset is wrong after a restore.",
        expected="5 in partition 0, 7 in partition 1, none in partition 2: each one's last record",
        happened=offsets,
        means="too low, and each start reads these records again; too high, and it never reads the next ones",
    )


def test_what_is_restored_is_committed(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 4, b"wine", b"value")])
    killed = table.after_a_kill()
    left = (killed.read(0, b"wine"), killed.persisted(0))
    killed.close()
    expect(
        left == (b"value", 4),
        "A kill after the restore has lost it.",
        expected="the entry and persisted offset 4, found by the next process",
        happened=left,
        means="a server that is killed reads the whole changelog at every start: minutes instead of none",
    )


def test_an_old_record_undoes_no_newer_write(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 5, b"wine", b"older")])
    table.write(0, b"wine", b"newer")
    table.acknowledge(0, 9)
    table.restore([ChangelogRecord(0, 5, b"wine", b"older")])
    expect(
        table.read(0, b"wine") == b"newer",
        "An old changelog record has undone a newer write.",
        expected="b'newer': record 5 is before the persisted offset, 9",
        happened=table.read(0, b"wine"),
        means="the counters go back to what they were, and the wines since then are never counted again",
    )
    table.restore([ChangelogRecord(0, 9, b"wine", b"older")])
    expect(
        table.read(0, b"wine") == b"newer",
        "The record at the persisted offset itself was applied again.",
        expected="b'newer': the store has record 9, and has written the entry again since",
        happened=table.read(0, b"wine"),
        means="a write that the changelog does not have yet is undone, and its batch may be committed",
    )


def test_offset_0_is_an_offset(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 0, b"wine", b"older")])
    table.write(0, b"wine", b"newer")
    table.restore([ChangelogRecord(0, 0, b"wine", b"older")])
    expect(
        table.read(0, b"wine") == b"newer",
        "A persisted offset of 0 was taken for none.",
        expected="b'newer': the store has record 0 already",
        happened=table.read(0, b"wine"),
        means="in a new changelog the first record undoes what was written after it",
    )


def test_new_records_behind_one_that_is_passed_over_are_restored(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 5, b"wine", b"known")])
    table.restore([ChangelogRecord(0, 5, b"wine", b"known"), ChangelogRecord(1, 2, b"wine", b"new")])
    expect(
        table.read(1, b"wine") == b"new",
        "A new record was not restored because it came behind an old one.",
        expected="b'new' in partition 1; only record 5 of partition 0 is known",
        happened=table.read(1, b"wine"),
        means="what one partition has done hides what another has: its counters are lost",
    )
    table.restore([ChangelogRecord(0, 6, None, b"whose?"), ChangelogRecord(0, 7, b"wine", b"newer")])
    expect(
        (table.read(0, b"wine"), len(table.store)) == (b"newer", 2),
        "A changelog record without a key was not passed over.",
        expected="2 entries, and record 7, which comes behind it, is restored",
        happened=f"{len(table.store)} entries, and {table.read(0, b'wine')!r}",
        means="one stray record in the changelog, and the table is not restored any more",
    )


def test_a_record_that_is_no_entry_is_read_all_the_same(table: PlayedTable) -> None:
    table.restore([ChangelogRecord(0, 6, b"", b"value"), ChangelogRecord(0, 7, None, b"whose?")])
    expect(
        table.persisted(0) == 7,
        "The persisted offset stays behind a record without a key.",
        expected="7, the last record here: it is no entry, but it has been read",
        happened=table.persisted(0),
        means="where it is the last record of the changelog, each start reads it again",
    )
    expect(
        table.read(0, b"") == b"value",
        "An empty key was taken for none.",
        expected="b'value'; only a key that is None is no entry",
        happened=table.read(0, b""),
        means="what an agent wrote under this key is gone after a restore",
    )


def test_at_no_moment_an_offset_is_ahead_of_its_data(table: PlayedTable) -> None:
    records = [ChangelogRecord(offset % 2, offset, b"%d" % offset, b"value") for offset in range(4)]
    path: Path = table.store._database.path

    def check() -> None:
        with sqlite3.connect(path) as disk:  # it sees what is committed
            keys = {int(key) for (key,) in disk.execute("SELECT key FROM entries")}
            offsets = dict(disk.execute("SELECT partition, persisted FROM offsets"))
        disk.close()
        promised = {each.offset for each in records if each.offset <= offsets.get(each.partition, -1)}
        expect(
            promised <= keys,
            "A kill in the middle of the restore leaves an offset whose data is not there.",
            expected="each committed offset has all of its partition's records up to it beside it",
            happened=f"committed offsets {offsets}, but the records {sorted(promised - keys)} are missing",
            means="nobody ever reads these changelog records again: the counters have a hole for good",
        )

    table.store._database = WatchedDatabase(table.store._database, after_each=check)
    table.restore(records)


def test_an_error_of_the_file_is_raised(table: PlayedTable) -> None:
    def fail() -> None:
        raise StoreUnusable(Path("disk"), "no space left on device")

    database = table.store._database
    table.store._database = WatchedDatabase(database, after_each=fail)
    try:
        table.restore([ChangelogRecord(0, 1, b"wine", b"value")])
    except StoreUnusable:
        pass
    else:
        reject(
            "An error of the file was swallowed.",
            expected="StoreUnusable is raised: the disk is full",
            happened="apply_changelog_batch returned as if all were restored",
            means="faust takes the table for restored, and the server counts on from nothing",
        )
    finally:
        table.store._database = database
