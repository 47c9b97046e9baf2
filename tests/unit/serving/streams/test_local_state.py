"""The sum of what instances know, held against the records themselves: what each did is added up one by one."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.features import Features, Values
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.streams.local_state import LocalState, Part, combined

SCORED, SKIPPED, DEAD = "scored", "skipped", "dead"


class Zero:
    def score(self, features: Features) -> Values:
        return np.zeros(len(features))

    def close(self) -> None: ...


@dataclass(frozen=True)
class Event:
    """What happened to one record under one model; a whole number of ms, so that sums are exact in any order."""

    kind: str
    model: int | None  # its offset in the models topic
    ms: int


@dataclass(frozen=True)
class History:
    """What happened in one partition; an instance that lost it knows only the first ``overtaken_at`` events."""

    events: list[Event]
    since_ms: dict[int, int]  # by model: when it took over here
    overtaken_at: int | None

    def local(self, partition: int | None, upto: int | None = None) -> LocalState:
        events = self.events[:upto]
        model = events[-1].model if events else None
        durations = [float(each.ms) for each in events if each.kind == SCORED and each.model == model]
        state = ServingState(
            "wine",
            model=None if model is None else LoadedModel(f"m{model}", f"number {model}", "wine", "ONNX", Zero()),
            since_ms=None if model is None else self.since_ms[model],
            usage=len(durations),
            duration_ms=sum(durations),
            min_ms=min(durations, default=None),
            max_ms=max(durations, default=None),
            skipped=sum(each.kind == SKIPPED for each in events),
            dead_letters=sum(each.kind == DEAD for each in events),
        )
        return LocalState(state, model, partition, None if partition is None else len(events))


@st.composite
def histories(draw: st.DrawFn) -> History:
    models = sorted(draw(st.lists(st.integers(0, 3), max_size=6)))
    without = [Event(draw(st.sampled_from([SKIPPED, DEAD])), None, 0) for _ in range(draw(st.integers(0, 3)))]
    under = [Event(draw(st.sampled_from([SCORED, DEAD])), each, draw(st.integers(0, 50))) for each in models]
    events = without + under
    since_ms = {model: draw(st.integers(0, 100)) for model in range(4)}
    overtaken = st.none() | st.integers(0, len(events) - 1) if events else st.none()
    return History(events, since_ms, draw(overtaken))


@given(st.lists(histories(), max_size=4), st.booleans(), st.randoms())
def test_the_sum_is_what_the_records_say_however_the_parts_come(
    all_of: list[History], partitioned: bool, random: Random
) -> None:
    parts = [Part.of(each.local(number if partitioned else None)) for number, each in enumerate(all_of)]
    for number, each in enumerate(all_of):
        if partitioned and each.overtaken_at is not None:
            parts.append(Part.of(each.local(number, each.overtaken_at)))
    parts += [part.model_copy(update={"data_type": "beer"}) for part in parts]
    random.shuffle(parts)
    state = combined("wine", [Part.model_validate_json(part.model_dump_json()) for part in parts])

    told = [each for history in all_of for each in history.events]
    last = [history.events[-1].model for history in all_of if history.events]
    newest = max((model for model in last if model is not None), default=None)
    ms = [each.ms for each in told if each.kind == SCORED and each.model == newest]
    serving_it = [history for history in all_of if history.events and history.events[-1].model == newest]
    assert state.name == (None if newest is None else f"m{newest}")
    assert state.description == (None if newest is None else f"number {newest}")
    assert state.model_type == (None if newest is None else "ONNX")
    assert state.since == (None if newest is None else min(history.since_ms[newest] for history in serving_it))
    assert (state.usage, state.duration) == (len(ms), sum(ms))
    assert (state.min, state.max) == (min(ms, default=None), max(ms, default=None))
    assert state.mean == (sum(ms) / len(ms) if ms else None)
    assert state.skipped == sum(each.kind == SKIPPED for each in told)
    assert state.dead_letters == sum(each.kind == DEAD for each in told)


def wine(**facts: object) -> Part:
    plain = Part.of(LocalState(ServingState("wine"), None, 0, 0))
    return Part.model_validate({**plain.model_dump(), **facts})


def test_of_two_that_counted_equally_far_the_one_with_the_newer_model_counts() -> None:
    older = wine(next_offset=5, model_offset=1, name="old", usage=5)
    newer = wine(next_offset=5, model_offset=2, name="new", usage=0)
    for parts in ([older, newer], [newer, older]):
        assert (combined("wine", parts).name, combined("wine", parts).usage) == ("new", 0)


def test_a_model_of_the_topic_that_is_there_now_is_newer_than_one_of_a_topic_that_is_gone() -> None:
    gone = wine(partition=0, model_offset=7, model_topic_id="gone", name="old", usage=5)
    now = wine(partition=1, model_offset=0, model_topic_id="now", name="new", usage=2)
    for parts in ([gone, now], [now, gone]):
        state = combined("wine", parts, "now")
        assert (state.name, state.usage) == ("new", 2)


def test_a_newest_model_that_one_instance_has_not_loaded_is_told_by_another() -> None:
    parts = [wine(partition=0, model_offset=7, usage=5), wine(partition=1, model_offset=7, name="newest", usage=2)]
    state = combined("wine", parts)
    assert (state.name, state.usage) == ("newest", 7)


def test_one_that_has_counted_nothing_is_overtaken_by_any_other() -> None:
    counted = wine(next_offset=0, skipped=3)
    for parts in ([counted, wine(next_offset=None)], [wine(next_offset=None), counted]):
        assert combined("wine", parts).skipped == 3


def test_what_no_one_knows_has_nulls_and_zeros() -> None:
    state = combined("wine", [])
    assert (state.name, state.since, state.min, state.max, state.mean) == (None,) * 5
    assert (state.usage, state.duration, state.skipped, state.dead_letters) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "facts",
    [
        {"duration": float("nan")},
        {"duration": float("inf")},
        {"duration": 1e308},
        {"min": -1.0},
        {"usage": -1},
        {"usage": 2**63},
        {"usage": "1"},
        {"partition": -1},
        {"model_offset": 0.5},
        {"data_type": None},
    ],
)
def test_a_part_that_no_instance_could_mean_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        wine(**facts)


def test_a_sum_of_the_largest_durations_is_still_a_number() -> None:
    parts = [wine(partition=number, model_offset=1, usage=1, duration=1e15) for number in range(1000)]
    assert combined("wine", parts).duration == 1e18
