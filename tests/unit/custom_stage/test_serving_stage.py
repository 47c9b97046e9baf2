"""The operator on its own: two subjects in, served batches out, the handle asked in between."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from reactivex import Subject

from custom_stage.state import Records, ServingStage
from model.features import Features, Values
from model.model import LoadedModel
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.outcomes import BatchOutcome
from serving.scoring.states import MAX_DATA_TYPES_WITHOUT_MODEL


@dataclass
class Constant:
    """Scores every wine the same, and counts how often it is closed."""

    value: float
    closed: int = 0

    def score(self, features: Features) -> Values:
        assert not self.closed, "a closed model must not score"
        return np.full(len(features), self.value)

    def close(self) -> None:
        self.closed += 1


@dataclass(frozen=True)
class Record:
    value: bytes | None
    offset: int = 0
    topic: str = "models_data"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = b"id"


@dataclass
class Stage:
    """A stage between two subjects, as the topology wires it."""

    stage: ServingStage = field(default_factory=ServingStage)
    data: Subject[Records] = field(default_factory=Subject)
    models: Subject[LoadedModel] = field(default_factory=Subject)
    out: list[BatchOutcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data.pipe(self.stage.joined_with(self.models)).subscribe(self.out.append)

    def push_model(self, value: float, data_type: str = "wine") -> Constant:
        model = Constant(value)
        self.models.on_next(LoadedModel(f"constant {value}", "", data_type, "ONNX", model))
        return model

    def push_wines(self, *data_types: str) -> BatchOutcome:
        records = [Record(WineRecord(dataType=each).SerializeToString(), n) for n, each in enumerate(data_types)]
        self.data.on_next(records)
        return self.out[-1]


@pytest.fixture
def pushed() -> Stage:
    return Stage()


def values(served: BatchOutcome) -> Sequence[float]:
    return [value for scored in served.scored for value in scored.values]


def test_before_the_first_model_records_are_skipped(pushed: Stage) -> None:
    served = pushed.push_wines("wine", "wine")
    assert (len(served.scored), [len(wines.records) for wines in served.skipped]) == (0, [2])
    (state,) = pushed.stage.states()
    assert (state.skipped, state.usage, state.model) == (2, 0, None)


def test_a_model_is_in_force_from_the_next_batch_on(pushed: Stage) -> None:
    pushed.push_model(5.0)
    assert values(pushed.push_wines("wine")) == [5.0]
    pushed.push_model(6.0)
    assert values(pushed.push_wines("wine", "wine")) == [6.0, 6.0]


def test_every_model_is_closed_exactly_once_when_it_is_replaced_or_at_the_end(pushed: Stage) -> None:
    first, second = pushed.push_model(5.0), pushed.push_model(6.0)
    assert (first.closed, second.closed) == (1, 0)
    beer = pushed.push_model(3.0, "beer")
    pushed.push_wines("wine", "beer")
    pushed.stage.close()
    pushed.stage.close()
    assert (first.closed, second.closed, beer.closed) == (1, 1, 1)


def test_the_handle_answers_between_batches_with_all_data_types_of_one_moment(pushed: Stage) -> None:
    pushed.push_model(5.0)
    pushed.push_model(3.0, "beer")
    before = pushed.stage.states()
    pushed.push_wines("wine", "beer", "wine")
    assert {state.data_type: state.usage for state in before} == {"wine": 0, "beer": 0}
    assert {state.data_type: state.usage for state in pushed.stage.states()} == {"wine": 2, "beer": 1}


def test_a_record_that_cannot_be_scored_counts_for_its_data_type(pushed: Stage) -> None:
    pushed.push_model(5.0)
    pushed.data.on_next([Record(WineRecord(dataType="wine", pH=float("nan")).SerializeToString()), Record(b"\xff")])
    assert len(pushed.out[-1].rejected) == 2
    (state,) = pushed.stage.states()
    assert state.dead_letters == 1, "the other one does not say whose it is"


def test_strange_data_types_cannot_fill_the_memory_and_do_not_keep_models_out(pushed: Stage) -> None:
    pushed.push_wines(*(f"strange {number}" for number in range(3 * MAX_DATA_TYPES_WITHOUT_MODEL)))
    assert len(pushed.stage.states()) == MAX_DATA_TYPES_WITHOUT_MODEL
    pushed.push_model(5.0)
    assert values(pushed.push_wines("wine")) == [5.0]
