"""Under the engine nobody can tell our stores from faust's own on RocksDB.

Keys begin with their partition: RocksDB's store deletes a key in every partition that has it, where the engine tells
only one changelog; ours on SQLite deletes it in that one. Offsets rise, as in a changelog.
"""

import functools
import itertools
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exploring import examples
from tests.support.table_store import PARTITIONS, ChangelogRecord, TableStore

OURS = ("sqlite://", "checked-rocksdb://")

Operation = tuple[str, int, bytes, bytes]
Seen = tuple[object, ...]

operations = st.tuples(
    st.sampled_from(["write", "delete", "acknowledge", "restore", "tombstone", "rebalance", "stop_and_start"]),
    st.integers(0, PARTITIONS - 1),
    st.sampled_from([b"", b"\x00", b"wine", b"wine\x00model", b"\xff"]),
    st.sampled_from([b"", b"\x00", b"0", b"null"]) | st.binary(max_size=100),
)
EVERYTHING: list[Operation] = [
    ("write", 0, b"wine", b"first"),
    ("acknowledge", 0, b"", b""),
    ("write", 0, b"wine", b""),
    ("write", 1, b"", b"\x00"),
    ("restore", 2, b"\x00wine", b"restored" * 1000),
    ("rebalance", 1, b"", b""),
    ("delete", 1, b"", b""),
    ("delete", 1, b"never written", b""),
    ("stop_and_start", 0, b"", b""),
    ("tombstone", 2, b"\x00wine", b""),
    ("rebalance", 2, b"", b""),
    ("write", 2, b"model", bytes(range(256)) * 4096),
    ("stop_and_start", 0, b"", b""),
    ("rebalance", 2, b"", b""),
]


def observed(url: str, script: Iterable[Operation]) -> list[Seen]:
    """What the engine sees after each operation."""
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(url, Path(directory))
        try:
            return [engine.after(operation) for operation in script]
        finally:
            engine.store.stop()


@functools.cache
def everything_observed(url: str) -> list[Seen]:
    """What the engine sees of every operation; RocksDB opens and closes three databases at each start."""
    return observed(url, EVERYTHING)


class Engine:
    """Does what faust does to a store."""

    def __init__(self, url: str, directory: Path) -> None:
        self._new: Callable[[], TableStore] = lambda: TableStore(url, directory)
        self._offset = itertools.count()
        self._actives = set(range(PARTITIONS))
        self._keys: set[bytes] = set()
        self.store = self._started()

    def _started(self) -> TableStore:
        store = self._new()
        store.start()
        store.assign(self._actives)
        return store

    def after(self, operation: Operation) -> Seen:
        name, partition, end_of_key, value = operation
        key = b"%d" % partition + end_of_key
        self._keys.add(key)
        self._do(name, partition, key, value)
        store = self.store.store
        return (
            sorted(store.items()),
            sorted(store.keys()),
            sorted(store.values()),
            len(store),
            [self.store.persisted_offset(each) for each in sorted(self._actives)],
            [self.store.get(each, key) for each in sorted(self._actives) for key in sorted(self._keys)],
        )

    def _do(self, name: str, partition: int, key: bytes, value: bytes) -> None:
        match name:
            case "write":
                self.store.write(partition, key, value)
            case "delete":
                self.store.delete(partition, key)
            case "acknowledge":
                self.store.acknowledge(partition, next(self._offset))
            case "restore":
                self.store.restore(ChangelogRecord(partition, next(self._offset), key, value))
            case "tombstone":
                self.store.restore(ChangelogRecord(partition, next(self._offset), key, None))
            case "rebalance":
                self._actives = self._actives ^ {partition}
                self.store.assign(self._actives)
            case "stop_and_start":
                self.store.stop()
                self.store = self._started()


@pytest.mark.parametrize("url", ["rocksdb://", *OURS])
def test_what_the_engine_wrote_is_what_it_reads(url: str) -> None:
    seen = everything_observed(url)
    assert seen[0][0] == [(b"0wine", b"first")]
    assert seen[2][0] == [(b"0wine", b"")]
    items, _, _, count, offsets, _ = seen[-1]
    assert (items, count) == ([(b"0wine", b""), (b"2model", bytes(range(256)) * 4096)], 2)
    assert offsets == [0, 2]


@pytest.mark.thorough  # RocksDB does not hurry
@pytest.mark.parametrize("ours", OURS)
@given(script=st.lists(operations, max_size=15))
@settings(max_examples=examples(10))
def test_the_engine_sees_the_same_of_both(ours: str, script: list[Operation]) -> None:
    assert observed(ours, script) == observed("rocksdb://", script)


@pytest.mark.parametrize("ours", OURS)
def test_the_engine_sees_the_same_of_both_in_every_operation(ours: str) -> None:
    assert everything_observed(ours) == everything_observed("rocksdb://")
