"""What outlives a process: written down, read back, and never counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import WINE, Features, Values
from model.model import LoadedModel
from model.serving_state import ServingState
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.engine import ArrivedModel
from serving.scoring.kept_state import KeptState, is_newer, kept
from serving.scoring.records import RawRecord, WineBatch, decode

NO_SCORE = 13.0
UNFIT = float("nan")


@dataclass(frozen=True)
class AlcoholModel:
    """Scores alcohol; a wine with 13 vol.% has no score."""

    def score(self, features: Features) -> Values:
        alcohol = features[:, WINE.index("alcohol")]
        return np.where(alcohol == NO_SCORE, np.nan, alcohol)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Record:
    value: bytes | None
    partition: int
    offset: int
    topic: str = "models_data"
    timestamp: int = 0
    key: bytes | None = None


def alcohol_at(partition: int, offset: int) -> float:
    """What a record's place makes of it: a good wine, one without a score, or one that is unfit."""
    return (9.4, 9.4, NO_SCORE, UNFIT)[(3 * partition + offset) % 4]


def batch(places: Sequence[tuple[int, int]]) -> WineBatch:
    records: list[RawRecord] = [
        Record(WineRecord(dataType="wine", alcohol=alcohol_at(*place)).SerializeToString(), *place) for place in places
    ]
    (wines,), _ = decode(records)
    return wines


LOADED = LoadedModel("alcohol", "", "wine", "ONNX", AlcoholModel())
DESCRIPTOR = ModelDescriptor(name="alcohol", dataType="wine", modeltype="ONNX", data=b"content")


def in_force(state: KeptState, offset: int = 4) -> KeptState:
    return state.accept(LOADED, kept(ArrivedModel(LOADED, offset, DESCRIPTOR, ""), now_ms=77))


EMPTY = KeptState(ServingState("wine"))
PLACES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=8)
STEPS = st.lists(st.one_of(st.integers(0, 3), PLACES), max_size=8)


@given(STEPS)
def test_what_was_written_down_is_the_same_state_again(steps: list[int | list[tuple[int, int]]]) -> None:
    state = EMPTY
    for step in steps:
        state = in_force(state, step) if isinstance(step, int) else state.score(batch(step))[0]
        counters = KeptCounters.FromString(state.counters().SerializeToString())
        assert KeptState.restored("wine", state.serving.model, state.model, counters, "") == state


def test_every_number_comes_back_in_its_own_place() -> None:
    counters = KeptCounters(
        usage=1,
        duration_ms=2.0,
        min_ms=3.0,
        max_ms=4.0,
        skipped=5,
        dead_letters=6,
        next_offsets={7: 8, 9: 10},
        model_offset=11,
        data_topic_id="data",
        model_topic_id="models",
    )
    model = KeptModel(offset=11, descriptor=DESCRIPTOR, since_ms=12, topic_id="models")
    state = KeptState.restored("wine", LOADED, model, counters, "data")
    assert state.serving == ServingState("wine", LOADED, 12, 1, 2.0, 3.0, 4.0, 5, 6)
    assert state.next_offsets == {7: 8, 9: 10}
    assert state.counters() == counters


def test_a_state_in_which_nothing_happened_has_no_numbers_to_be_mistaken_for_some() -> None:
    assert KeptState.restored("wine", None, None, None, "") == EMPTY
    counters = EMPTY.counters()
    assert not any(counters.HasField(name) for name in ("min_ms", "max_ms", "model_offset"))
    counters = in_force(EMPTY, 0).counters()
    assert counters.HasField("model_offset"), "offset 0 is an offset"


def test_counters_of_another_model_begin_anew_and_those_of_the_data_type_do_not() -> None:
    counters = KeptCounters(usage=1, duration_ms=2, min_ms=3, max_ms=4, skipped=5, dead_letters=6, model_offset=11)
    counters.next_offsets[0] = 8
    for model_offset, topic_id in ((12, ""), (None, ""), (11, "another topic")):
        of_another = KeptCounters()
        of_another.CopyFrom(counters)
        of_another.ClearField("model_offset")
        of_another.model_topic_id = topic_id
        if model_offset is not None:
            of_another.model_offset = model_offset
        state = KeptState.restored(
            "wine", LOADED, KeptModel(offset=11, descriptor=DESCRIPTOR, since_ms=1), of_another, ""
        )
        assert state.serving == ServingState("wine", LOADED, 1, skipped=5, dead_letters=6)
        assert state.next_offsets == {0: 8}


@given(st.data(), st.booleans())
def test_however_often_records_come_again_each_counts_once(data: st.DataObject, with_model: bool) -> None:
    state = in_force(EMPTY) if with_model else EMPTY
    ends = {0: 0, 1: 0}
    for _ in range(data.draw(st.integers(1, 6))):
        places: list[tuple[int, int]] = []
        for partition, end in ends.items():
            # A consumer goes on from what was committed: anywhere before the end, and without a gap.
            first = data.draw(st.integers(0, end))
            ends[partition] = last = max(end, data.draw(st.integers(first, first + 6)))
            places += [(partition, offset) for offset in range(first, last)]
        if not places:
            continue
        state, scores = state.score(batch(places))
        fit = [place for place in places if not np.isnan(alcohol_at(*place))]
        if with_model and fit:
            assert scores.values is not None
            assert len(scores.values) == len(fit), "what comes again is scored again"
    came = [alcohol_at(partition, offset) for partition, end in ends.items() for offset in range(end)]
    good, none, unfit = came.count(9.4), came.count(NO_SCORE), sum(map(np.isnan, came))
    serving = state.serving
    expected = (good, 0, none + unfit) if with_model else (0, good + none, unfit)
    assert (serving.usage, serving.skipped, serving.dead_letters) == expected
    assert state.next_offsets == {partition: end for partition, end in ends.items() if end}


@pytest.mark.parametrize(
    ("offset", "descriptor", "has"),
    [
        (4, DESCRIPTOR, True),
        (5, DESCRIPTOR, False),
        (4, ModelDescriptor(name="another", dataType="wine", data=b"content"), False),
    ],
)
def test_a_model_is_the_one_in_force_if_its_offset_and_its_content_are(
    offset: int, descriptor: ModelDescriptor, has: bool
) -> None:
    assert in_force(EMPTY, 4).has(ArrivedModel(LOADED, offset, descriptor, "")) is has
    assert not in_force(EMPTY, 4).has(ArrivedModel(LOADED, offset, descriptor, "another topic"))
    assert not EMPTY.has(ArrivedModel(LOADED, offset, descriptor, ""))


def test_of_another_data_topic_nothing_has_been_counted() -> None:
    state, _ = in_force(EMPTY).reading("first topic").score(batch([(0, 0), (0, 1), (1, 0)]))
    assert state.next_offsets == {0: 2, 1: 1}
    assert state.reading("first topic") is state
    counters = state.counters()
    recreated = KeptState.restored("wine", LOADED, state.model, counters, "second topic")
    assert recreated == state.reading("second topic")
    assert recreated.next_offsets == {}
    assert recreated.serving == state.serving, "what was done stays counted"
    again, _ = recreated.score(batch([(0, 0)]))
    assert again.serving.usage + again.serving.skipped == state.serving.usage + state.serving.skipped + 1


@pytest.mark.parametrize(
    ("one", "than", "newer"),
    [
        (("now", 5), ("now", 4), True),
        (("now", 4), ("now", 4), False),
        (("now", 4), ("now", 5), False),
        (("now", 0), ("gone", 7), True),
        (("gone", 7), ("now", 0), False),
        (("gone", 7), ("gone", 6), True),
    ],
)
def test_the_newest_model_is_the_last_one_of_the_topic_that_is_there(
    one: tuple[str, int], than: tuple[str, int], newer: bool
) -> None:
    first, second = (KeptModel(topic_id=topic_id, offset=offset) for topic_id, offset in (one, than))
    assert is_newer(first, second, "now") is newer
