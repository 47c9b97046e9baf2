"""The serving rule, held against a second version of itself: slow, one record at a time, obviously right."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import WINE, Features, Values
from model.model import LoadedModel
from model.serving_state import Scores, ServingState

DEFECTIVE = 13.0  # a wine whose alcohol is this has no score, or makes its whole batch fail


@dataclass
class AlcoholModel:
    """Scores alcohol times a factor."""

    factor: float
    fails: bool = False  # raise for a batch with a defective wine, where others give NaN
    batches: list[int] = field(default_factory=list)
    closed: int = 0

    def score(self, features: Features) -> Values:
        self.batches.append(len(features))
        alcohol = features[:, WINE.index("alcohol")]
        if self.fails and (alcohol == DEFECTIVE).any():
            raise RuntimeError("no such wine")
        return np.where(alcohol == DEFECTIVE, np.nan, alcohol * self.factor)

    def close(self) -> None:
        self.closed += 1


def loaded(model: AlcoholModel) -> LoadedModel:
    return LoadedModel(f"times {model.factor}", "alcohol times a factor", "wine", "ONNX", model)


def wines(alcohols: list[float]) -> Features:
    features = np.zeros((len(alcohols), len(WINE)))
    features[:, WINE.index("alcohol")] = alcohols
    return features


@dataclass
class Ticking:
    """A clock that advances by a known step at each look."""

    step_s: float
    now_s: float = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@dataclass
class SlowReference:
    """The same rule, record by record."""

    model: AlcoholModel | None = None
    since_ms: int | None = None
    durations_ms: list[float] = field(default_factory=list)
    skipped: int = 0
    dead_letters: int = 0

    def accept(self, model: AlcoholModel, now_ms: int) -> None:
        self.model = model
        self.since_ms = now_ms
        self.durations_ms = []

    def score(self, alcohols: list[float], batch_ms: float) -> list[float | None]:
        results: list[float | None] = []
        for alcohol in alcohols:
            if self.model is None:
                self.skipped += 1
                results.append(None)
            elif alcohol == DEFECTIVE:
                self.dead_letters += 1
                results.append(None)
            else:
                self.durations_ms.append(batch_ms / len(alcohols))
                results.append(alcohol * self.model.factor)
        return results


ALCOHOLS = st.lists(st.sampled_from([8.5, 9.0, 11.5, DEFECTIVE, 14.0]), min_size=1, max_size=6)
EVENTS = st.lists(
    st.one_of(
        st.builds(AlcoholModel, st.sampled_from([0.5, 1.0, 2.0]), st.booleans()),
        st.tuples(ALCOHOLS, st.sampled_from([0.001, 0.25])),
        st.integers(1, 5),
    ),
    max_size=12,
)


@given(EVENTS)
def test_the_rule_does_to_batches_what_the_slow_reference_does_record_by_record(
    events: list[AlcoholModel | tuple[list[float], float] | int],
) -> None:
    state, reference = ServingState("wine"), SlowReference()
    for now_ms, event in enumerate(events):
        if isinstance(event, AlcoholModel):
            state = state.accept(loaded(event), now_ms)
            reference.accept(event, now_ms)
        elif isinstance(event, int):
            state = state.reject(event)
            reference.dead_letters += event
        else:
            alcohols, batch_s = event
            state, scores = state.score(wines(alcohols), Ticking(batch_s))
            assert as_list(scores, len(alcohols)) == reference.score(alcohols, batch_s * 1000)
        agrees(state, reference)


def as_list(scores: Scores, n: int) -> list[float | None]:
    if scores.values is None:
        return [None] * n
    return [None if np.isnan(value) else value for value in scores.values.tolist()]


def agrees(state: ServingState, reference: SlowReference) -> None:
    durations_ms = reference.durations_ms
    assert (state.model.model if state.model else None) is reference.model
    assert state.since_ms == reference.since_ms
    assert (state.usage, state.skipped, state.dead_letters) == (
        len(durations_ms),
        reference.skipped,
        reference.dead_letters,
    )
    assert state.duration_ms == pytest.approx(sum(durations_ms), abs=1e-9)
    assert state.min_ms == (pytest.approx(min(durations_ms)) if durations_ms else None)
    assert state.max_ms == (pytest.approx(max(durations_ms)) if durations_ms else None)


def test_a_batch_is_one_call_of_the_model() -> None:
    model = AlcoholModel(1.0)
    ServingState("wine").accept(loaded(model), 0).score(wines([9.0] * 1000))
    assert model.batches == [1000]


def test_one_record_that_makes_the_model_fail_does_not_cost_its_batch() -> None:
    model = AlcoholModel(1.0, fails=True)
    state, scores = ServingState("wine").accept(loaded(model), 0).score(wines([9.0, DEFECTIVE, 14.0]))
    assert as_list(scores, 3) == [9.0, None, 14.0]
    assert (state.usage, state.dead_letters) == (2, 1)


def test_an_infinite_score_is_no_score() -> None:
    state, scores = ServingState("wine").accept(loaded(AlcoholModel(np.inf)), 0).score(wines([9.0]))
    assert as_list(scores, 1) == [None]
    assert (state.usage, state.dead_letters) == (0, 1)


def test_a_model_that_gives_too_few_scores_gives_none() -> None:
    class Short(AlcoholModel):
        def score(self, features: Features) -> Values:
            return super().score(features)[:-1]

    state, scores = ServingState("wine").accept(loaded(Short(1.0)), 0).score(wines([9.0, 9.5]))
    assert as_list(scores, 2) == [None, None]
    assert state.dead_letters == 2


def test_the_rule_closes_nothing() -> None:
    first = AlcoholModel(1.0)
    ServingState("wine").accept(loaded(first), 0).accept(loaded(AlcoholModel(2.0)), 1)
    assert first.closed == 0


@given(ALCOHOLS, st.data())
def test_records_counted_before_are_scored_again_and_not_counted_again(
    alcohols: list[float], data: st.DataObject
) -> None:
    new = data.draw(st.lists(st.booleans(), min_size=len(alcohols), max_size=len(alcohols)))
    state, scores = (
        ServingState("wine").accept(loaded(AlcoholModel(2.0)), 0).score(wines(alcohols), uncounted=np.array(new))
    )
    assert as_list(scores, len(alcohols)) == [None if each == DEFECTIVE else each * 2 for each in alcohols]
    counted = [each for each, is_new in zip(alcohols, new, strict=True) if is_new]
    assert state.usage == sum(each != DEFECTIVE for each in counted)
    assert state.dead_letters == counted.count(DEFECTIVE)
    without_model, _ = ServingState("wine").score(wines(alcohols), uncounted=np.array(new))
    assert without_model.skipped == len(counted)
