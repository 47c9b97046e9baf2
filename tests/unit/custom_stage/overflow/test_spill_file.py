from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_stage.overflow.spill_file import SpillFile, decoded, encoded
from serving.errors import StateDirectoryUnusable

CAPACITY_BYTES = 10
STEPS = st.lists(st.one_of(st.none(), st.binary(max_size=12)), max_size=40)  # None: take one out


@given(STEPS)
def test_it_is_a_queue_that_takes_what_fits_and_never_outgrows_its_capacity(
    tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | None]
) -> None:
    file = SpillFile(tmp_path_factory.getbasetemp(), CAPACITY_BYTES)
    expected: deque[bytes] = deque()
    for step in steps:
        if step is not None:
            fits = sum(map(len, expected)) + len(step) <= CAPACITY_BYTES
            assert file.put(step) == fits
            if fits:
                expected.append(step)
        elif expected:
            assert file.get() == expected.popleft()
        assert file.bytes == sum(map(len, expected))
    while expected:
        assert file.get() == expected.popleft()
    file.close()


def test_it_leaves_no_name_behind(tmp_path: Path) -> None:
    file = SpillFile(tmp_path / "new", CAPACITY_BYTES)
    assert file.put(b"data")
    assert list((tmp_path / "new").iterdir()) == []
    file.close()


def test_a_directory_that_cannot_be_one_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateDirectoryUnusable, match="--data-dir"):
        SpillFile(tmp_path / "file" / "below", CAPACITY_BYTES)


@dataclass
class Record:
    """As Kafka gives them."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


MAY_BE_BYTES = st.one_of(st.none(), st.binary())
RECORDS = st.builds(
    Record, st.text(), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), st.integers(), MAY_BE_BYTES, MAY_BE_BYTES
).filter(lambda record: abs(record.timestamp) < 2**63)


@given(st.lists(RECORDS))
def test_records_come_back_as_they_were(records: list[Record]) -> None:
    names = ("topic", "partition", "offset", "timestamp", "key", "value")
    back = decoded(encoded(records))
    assert [[getattr(each, name) for name in names] for each in back] == [
        [getattr(each, name) for name in names] for each in records
    ]
