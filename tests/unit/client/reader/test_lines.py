from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.reader.lines import line_for
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from serving.settings.topics import Topics

TOPICS = Topics.prefixed("models")
ALL = [TOPICS.data, TOPICS.models, TOPICS.scores, TOPICS.dead_letters, "another"]

Headers = list[tuple[str, str | bytes | None]]


@dataclass
class Read:
    """A message as a consumer gives it."""

    on: str
    content: bytes | None
    record_key: bytes | None = b"wine-a1-17"
    record_headers: Headers | None = None

    def topic(self) -> str:
        return self.on

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return 41

    def key(self) -> bytes | None:
        return self.record_key

    def value(self) -> bytes | None:
        return self.content

    def headers(self) -> Headers | None:
        return self.record_headers


def line(message: Read) -> str:
    return line_for(message.on, TOPICS)(message)


def test_a_score_is_told_in_the_tutorials_words() -> None:
    result = ServingResult(
        data_type="wine", record_id="wine-a1-17", value=5.678, model_name="forest", record_ts=1000, scored_ts=1012
    )
    told = line(Read(TOPICS.scores, result.SerializeToString()))
    assert told == "[2]@41 Calculated quality - 5.68 by forest after 12 ms (wine-a1-17)"


def test_a_score_of_a_record_without_a_time_has_no_latency() -> None:
    told = line(Read(TOPICS.scores, ServingResult(value=5, model_name="forest", scored_ts=1012).SerializeToString()))
    assert "after" not in told


def test_a_wine_is_told_with_all_its_numbers_in_order() -> None:
    wine = WineRecord(fixed_acidity=7.4, volatile_acidity=0.7, alcohol=9.4, density=0.9978, dataType="wine")
    told = line(Read(TOPICS.data, wine.SerializeToString()))
    assert told == "[2]@41 wine-a1-17 wine 7.4 0.7 0 0 0 0 0 0.9978 0 0 9.4"


def test_a_model_is_told_without_its_bytes() -> None:
    model = ModelDescriptor(
        name="forest", description="100 trees", dataType="wine", modeltype=ModelDescriptor.PMML, data=bytes(123_456)
    )
    told = line(Read(TOPICS.models, model.SerializeToString(), b"wine"))
    assert told == "[2]@41 forest for wine (PMML, 123.5 kB) - 100 trees"


def test_a_model_elsewhere_is_told_with_its_place() -> None:
    model = ModelDescriptor(name="forest", dataType="wine", location="/models/forest")
    told = line(Read(TOPICS.models, model.SerializeToString()))
    assert told == "[2]@41 forest for wine (TENSORFLOW, at /models/forest)"


def test_a_model_type_that_nobody_knows_is_told_as_a_number() -> None:
    # Field 4 (modeltype), wire type 0, value 77.
    assert "(type 77, 0.0 kB)" in line(Read(TOPICS.models, b"\x20\x4d"))


def test_a_dead_letter_is_told_with_its_reason_and_where_it_came_from() -> None:
    headers: Headers = [
        ("reason", b"not a WineRecord"),
        ("topic", b"models_data"),
        ("partition", b"1"),
        ("offset", b"17"),
        ("variant", b"custom_stage"),
    ]
    told = line(Read(TOPICS.dead_letters, b"12345", b"k", headers))
    assert told == "[2]@41 k: models_data[1]@17, 5 bytes: not a WineRecord (by custom_stage)"


def test_a_dead_letter_without_headers_is_told_all_the_same() -> None:
    assert line(Read(TOPICS.dead_letters, None, None)) == "[2]@41 (no key): ?[?]@?, tombstone: no reason given"


@pytest.mark.parametrize("error", [SystemError("an exception set"), UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "")])
def test_a_dead_letter_whose_headers_cannot_be_read_is_told_all_the_same(error: Exception) -> None:
    class Unreadable(Read):
        def headers(self) -> Headers | None:
            raise error

    told = line(Unreadable(TOPICS.dead_letters, b"12345"))
    assert told == ("[2]@41 wine-a1-17: ?[?]@?, 5 bytes: its headers cannot be read, as a name among them is no UTF-8")


@pytest.mark.parametrize("topic", [TOPICS.data, TOPICS.models, TOPICS.scores])
def test_bytes_that_are_no_message_are_told_as_such(topic: str) -> None:
    assert "2 bytes: ff ff" in line(Read(topic, b"\xff\xff"))


@pytest.mark.parametrize("topic", ALL)
def test_a_tombstone_is_told_as_such(topic: str) -> None:
    assert "tombstone" in line(Read(topic, None))


@given(
    st.sampled_from(ALL),
    st.none() | st.binary(),
    st.none() | st.binary(),
    st.none() | st.lists(st.tuples(st.sampled_from(["reason", "topic", "x"]), st.none() | st.binary() | st.text())),
)
def test_whatever_is_in_a_message_its_line_is_one_line_that_steers_no_terminal(
    topic: str, value: bytes | None, key: bytes | None, headers: Headers | None
) -> None:
    assert line(Read(topic, value, key, headers)).isprintable()


@given(st.builds(WineRecord, dataType=st.text(), alcohol=st.floats()))
def test_any_wine_has_one_line(wine: WineRecord) -> None:
    assert line(Read(TOPICS.data, wine.SerializeToString())).isprintable()


@given(st.builds(ModelDescriptor, name=st.text(), description=st.text(), dataType=st.text(), location=st.text()))
def test_any_model_has_one_line(model: ModelDescriptor) -> None:
    assert line(Read(TOPICS.models, model.SerializeToString())).isprintable()


int64 = st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        ServingResult,
        value=st.floats(),
        model_name=st.text(),
        record_id=st.text(),
        record_ts=int64,
        scored_ts=int64,
    )
)
def test_any_score_has_one_line(result: ServingResult) -> None:
    assert line(Read(TOPICS.scores, result.SerializeToString())).isprintable()


def test_a_very_long_name_is_cut() -> None:
    model = ModelDescriptor(name="n" * 100_000, dataType="wine")
    assert len(line(Read(TOPICS.models, model.SerializeToString(), b"k" * 100_000))) < 300
