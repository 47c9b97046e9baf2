"""The store against a dict, through stops, crashes and rebalances; expected is what the store's one rule says."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.exploring import examples
from tests.support.table_store import PARTITIONS, ChangelogRecord, TableStore

Entries = dict[tuple[int, bytes], bytes]

partitions = st.integers(0, PARTITIONS - 1)
keys = st.sampled_from([b"", b"\x00", b"wine", b"wine\x00", b"wine\x00model", b"\xff\xfe", b"__faust\0offset__"])
values = st.sampled_from([b"", b"\x00", b"0", b"null", b"[]"]) | st.binary(max_size=9000)
offsets = st.integers(0, 40)
changelog_records = st.builds(ChangelogRecord, partitions, offsets, keys, st.none() | values)


class StoreMachine(RuleBasedStateMachine):
    """``written`` is what reads see; ``committed`` is what a crash leaves: the same at each stored offset."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.lives = 0
        self.actives: set[int] = set()
        self.written: Entries = {}
        self.committed: Entries = {}
        self.offsets: dict[int, int] = {}
        self._start(self.directory / "0")

    def _start(self, directory: Path) -> None:
        self.store = TableStore("sqlite://", directory)
        self.store.start()
        self.store.assign(self.actives)

    def teardown(self) -> None:
        self.store.stop()
        shutil.rmtree(self.directory)

    @rule(partition=partitions, key=keys, value=values)
    def write(self, partition: int, key: bytes, value: bytes) -> None:
        self.store.write(partition, key, value)
        self.written[partition, key] = value

    @rule(partition=partitions, key=keys)
    def delete(self, partition: int, key: bytes) -> None:
        self.store.delete(partition, key)
        self.written.pop((partition, key), None)

    @rule(partition=partitions)
    def clear(self, partition: int) -> None:
        with self.store.record(partition):
            self.store.store.clear()
        self.written = {(other, key): value for (other, key), value in self.written.items() if other != partition}

    @rule(partition=partitions, offset=offsets)
    def acknowledge(self, partition: int, offset: int) -> None:
        self.store.acknowledge(partition, offset)
        self.offsets[partition] = max(offset, self.offsets.get(partition, offset))
        self.committed = dict(self.written)

    @rule(records=st.lists(changelog_records, max_size=8))
    def restore(self, records: list[ChangelogRecord]) -> None:
        self.store.restore(*records)
        for partition, offset, key, value in records:
            if partition in self.offsets and offset <= self.offsets[partition]:
                continue
            self.offsets[partition] = offset
            assert key is not None
            if value is None:
                self.written.pop((partition, key), None)
            else:
                self.written[partition, key] = value
        self.committed = dict(self.written)

    @rule(actives=st.sets(partitions))
    def rebalance(self, actives: set[int]) -> None:
        self.store.assign(actives)
        self.actives = actives

    @rule()
    def stop_and_start(self) -> None:
        self.store.stop()
        self._start(self.directory / str(self.lives))
        self.committed = dict(self.written)

    @rule()
    def crash_and_start(self) -> None:
        before, self.lives = self.directory / str(self.lives), self.lives + 1
        after = self.directory / str(self.lives)
        shutil.copytree(before, after)  # what the operating system has of the files at this moment
        self.store.stop()
        self._start(after)
        self.written = dict(self.committed)

    @rule()
    def reset(self) -> None:
        self.store.store.reset_state()
        self.written = {}
        self.committed = {}
        self.offsets = {}

    @invariant()
    def a_record_sees_its_own_partition(self) -> None:
        for partition in range(PARTITIONS):
            for key in {key for _, key in self.written} | {b"missing"}:
                assert self.store.get(partition, key) == self.written.get((partition, key))

    @invariant()
    def a_query_sees_the_active_partitions(self) -> None:
        expected = sorted(item for item in self.written.items() if item[0][0] in self.actives)
        items = [(key, value) for (_, key), value in expected]
        store = self.store.store
        assert list(store.items()) == items
        assert list(store.keys()) == [key for key, _ in items]
        assert list(store.values()) == [value for _, value in items]
        assert len(store) == len(items)
        for key in {key for _, key in self.written}:
            assert (key in store) == (key in dict(items))
            assert store.get(key) == next((value for found, value in items if found == key), None)

    @invariant()
    def persisted_offsets_never_go_back(self) -> None:
        found = [self.store.persisted_offset(partition) for partition in range(PARTITIONS)]
        assert found == [self.offsets.get(partition) for partition in range(PARTITIONS)]


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=examples(25), stateful_step_count=25)
