"""Header names that are no UTF-8: read, once each and in order, beside anything else in the fetch."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from serving.kafka.header_names import read_any_header_names
from tests.support.raw_batches import APPEND_TIME, CONTROL, GZIP, TRANSACTIONAL, RawRecord, encoded

NO_TEXT = b"caf\xe9"
EXTREMES_MS = (-(2**63), 2**63 - 1, -1, 0, 1_700_000_000_000)
ABORTED = struct.pack(">hh", 0, 0)
"""The key of the record that ends a transaction. Source: Kafka documentation, "Control Batches"."""


def read(content: bytes, aborted: Sequence[tuple[int, int]] = (), offset: int = 0) -> list[Any]:
    """What a consumer gets of a fetch that begins at ``offset``; ``aborted`` are producers and first offsets."""
    read_any_header_names()
    records = fetcher.MemoryRecords(content)
    partition = TopicPartition("data", 0)
    return list(
        fetcher.PartitionRecords(
            partition, records, list(aborted), offset, None, None, True, isolation_level=fetcher.READ_COMMITTED
        )
    )


def good(key: bytes) -> RawRecord:
    return RawRecord(key, b"value", 1)


def poison(key: bytes) -> RawRecord:
    return RawRecord(key, b"value", 1, [(b"before", b"1"), (NO_TEXT, b"\xff"), (NO_TEXT, None)])


def keys(records: Sequence[Any]) -> list[bytes]:
    return [record.key for record in records]


@pytest.mark.parametrize("attributes", [0, GZIP])
def test_a_name_that_is_no_text_shows_as_escapes_and_each_record_comes_once(attributes: int) -> None:
    content = (
        encoded([good(b"0"), good(b"1")], 0, attributes)
        + encoded([good(b"2"), poison(b"3"), good(b"4")], 2, attributes)
        + encoded([poison(b"5"), good(b"6")], 5, attributes)
        + encoded([good(b"7")], 7, attributes)
    )
    records = read(content)
    assert [(record.offset, record.key) for record in records] == [(n, b"%d" % n) for n in range(8)]
    assert records[3].headers == (("before", b"1"), ("caf\\xe9", b"\xff"), ("caf\\xe9", None))
    assert records[4].headers == records[7].headers == ()


def test_a_fetch_from_the_middle_of_a_batch_begins_there() -> None:
    content = encoded([poison(b"0"), poison(b"1"), good(b"2")]) + encoded([good(b"3")], 3)
    assert keys(read(content, offset=1)) == [b"1", b"2", b"3"]


def test_what_a_transaction_took_back_is_not_read_whatever_its_headers() -> None:
    aborting = TRANSACTIONAL | CONTROL
    content = (
        encoded([good(b"aborted")], 0, TRANSACTIONAL, producer_id=7)
        + encoded([RawRecord(ABORTED, None, 1)], 1, aborting, producer_id=7)
        + encoded([good(b"committed"), poison(b"committed")], 2, TRANSACTIONAL, producer_id=8)
        + encoded([good(b"kept")], 4)
        + encoded([poison(b"aborted")], 5, TRANSACTIONAL, producer_id=7)
        + encoded([RawRecord(ABORTED, None, 1)], 6, aborting, producer_id=7)
        + encoded([poison(b"committed later")], 7, TRANSACTIONAL, producer_id=7)
    )
    assert keys(read(content, [(7, 0), (7, 5)])) == [b"committed", b"committed", b"kept", b"committed later"]


def test_a_batch_that_is_damaged_is_still_an_error() -> None:
    content = bytearray(encoded([good(b"0")]))
    content[-1] ^= 1
    with pytest.raises(CorruptRecordException, match="CRC"):
        read(bytes(content))


blobs = st.binary(max_size=40)
records = st.builds(
    RawRecord,
    st.none() | blobs,
    st.none() | blobs,
    st.sampled_from(EXTREMES_MS) | st.integers(-(2**63), 2**63 - 1),
    st.lists(st.tuples(st.text(max_size=5).map(str.encode), st.none() | blobs), max_size=3),
)


@given(st.lists(records, min_size=1, max_size=8), st.sampled_from([0, GZIP, APPEND_TIME]))
def test_both_parsers_read_the_same(sent: list[RawRecord], attributes: int) -> None:
    """The compiled one, and the one that a name before all others brings up."""
    first = RawRecord(b"first", None, sent[0].timestamp_ms, [(NO_TEXT, None)])
    compiled, ours = read(encoded(sent, 1, attributes)), read(encoded([first, *sent], 0, attributes))[1:]
    assert ours == compiled
    latest_ms = max(each.timestamp_ms for each in sent)
    times_ms = [latest_ms if attributes == APPEND_TIME else each.timestamp_ms for each in sent]
    assert [each.timestamp for each in ours] == times_ms
    assert [(each.key, each.value) for each in ours] == [each[:2] for each in sent]
