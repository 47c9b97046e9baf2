from collections.abc import Sequence

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from model.features import WINE
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.bulk_decoding import MIN_UNIFORM_MESSAGES, decode_uniform

USUAL = WineRecord(**{name: n / 7 for n, name in enumerate(WINE, 1)}, dataType="wine", ts=1_763_700_000_000)
WITHOUT_ACID_AND_TIME = WineRecord(alcohol=9.5, pH=3.25, dataType="wine")


def read(messages: Sequence[bytes]) -> dict[int, WineRecord]:
    """By row, what was read in bulk."""
    wines: dict[int, WineRecord] = {}
    for part in decode_uniform(messages):
        for row, ts_ms, features in zip(part.rows.tolist(), part.ts_ms.tolist(), part.features.tolist(), strict=True):
            assert row not in wines
            wines[row] = WineRecord(**dict(zip(WINE, features, strict=True)), dataType=part.data_type, ts=ts_ms)
    return wines


def parsed(message: bytes) -> WineRecord | None:
    try:
        return WineRecord.FromString(message)
    except DecodeError:
        return None


@pytest.mark.parametrize("wine", [USUAL, WITHOUT_ACID_AND_TIME], ids=["all", "some"])
def test_wines_written_as_usual_are_all_read(wine: WineRecord) -> None:
    assert read([wine.SerializeToString()] * MIN_UNIFORM_MESSAGES) == dict.fromkeys(range(MIN_UNIFORM_MESSAGES), wine)


def test_messages_of_several_lengths_each_get_their_own_row() -> None:
    messages = [USUAL.SerializeToString(), WITHOUT_ACID_AND_TIME.SerializeToString()] * MIN_UNIFORM_MESSAGES
    assert read(messages) == {row: (USUAL, WITHOUT_ACID_AND_TIME)[row % 2] for row in range(2 * MIN_UNIFORM_MESSAGES)}


def test_the_few_of_one_length_are_left_to_the_parser() -> None:
    assert read([USUAL.SerializeToString()] * (MIN_UNIFORM_MESSAGES - 1)) == {}


NUMBERS = st.floats(allow_nan=False) | st.just(0.0)
WINES = st.builds(
    lambda numbers, data_type, ts: WineRecord(**dict(zip(WINE, numbers, strict=True)), dataType=data_type, ts=ts),
    st.lists(NUMBERS, min_size=11, max_size=11),
    st.sampled_from(["wine", "beer", "b\u00e9", "x" * 130, ""]),
    st.integers(-1, 2**63 - 1) | st.just(1_763_700_000_000),
).map(WineRecord.SerializeToString)
SPOILT = st.tuples(st.integers(0, 200), st.integers(1, 255))
"""At which byte, and what it is changed by."""


@given(WINES, st.lists(SPOILT, min_size=MIN_UNIFORM_MESSAGES, max_size=2 * MIN_UNIFORM_MESSAGES), st.booleans())
@example(USUAL.SerializeToString(), [(at, 0x80) for at in range(99, 115)], True)
@example(USUAL.SerializeToString(), [(at, 0x08) for at in range(0, 100, 9)], False)
@example(USUAL.SerializeToString(), [(9, 0x18)] * MIN_UNIFORM_MESSAGES, False)  # one number twice
@example(
    USUAL.SerializeToString(), [(100, 0x40)] * MIN_UNIFORM_MESSAGES, False
)  # a data type that is longer than the message
def test_whatever_is_read_in_bulk_the_parser_would_read_so(
    wine: bytes, spoilt: list[tuple[int, int]], good_first: bool
) -> None:
    messages = [wine] * (MIN_UNIFORM_MESSAGES if good_first else 0)
    for at, change in spoilt:
        message = bytearray(wine)
        if at < len(message):
            message[at] ^= change
        messages.append(bytes(message))
    for row, found in read(messages).items():
        expected = parsed(messages[row])
        assert expected is not None
        # NaN is not equal to itself; the bytes are.
        assert found.SerializeToString() == expected.SerializeToString()


@given(st.lists(st.binary(min_size=1, max_size=12), min_size=MIN_UNIFORM_MESSAGES, max_size=4 * MIN_UNIFORM_MESSAGES))
def test_random_bytes_are_read_as_the_parser_reads_them_or_not_at_all(messages: list[bytes]) -> None:
    for row, found in read(messages).items():
        assert found == parsed(messages[row])


def test_a_text_that_is_none_is_left_to_the_parser() -> None:
    message = USUAL.SerializeToString().replace(b"wine", b"w\xffne")
    assert read([message] * MIN_UNIFORM_MESSAGES) == {}
    assert parsed(message) is None


def test_features_can_be_written_to() -> None:
    (part,) = decode_uniform([USUAL.SerializeToString()] * MIN_UNIFORM_MESSAGES)
    part.features[0] = np.nan
    assert np.isfinite(part.features[1:]).all()
