"""Models whose scores, failures and ends the tests decide on, loaded by the registry as real ones are."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from actors_persistent.asking import Actors
from actors_persistent.journal.journal_file import NAME
from model import registry
from model.features import Features, Values
from model.inputs import TYPICAL
from model.serving_state import Scores, ServingState
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.engine import ArrivedModel
from serving.scoring.records import WineBatch, decode

DATA_TOPIC_ID, MODELS_TOPIC_ID = "data topic", "models topic"


@dataclass
class Scripted:
    """Scores every wine the same; before each batch it does what the test has put into ``before``."""

    value: float
    before: list[Callable[[], object]]
    closed: int = 0

    def score(self, features: Features) -> Values:
        assert not self.closed, "a closed model must not score"
        if features is not TYPICAL and self.before:
            self.before.pop(0)()
        return np.full(len(features), self.value)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Models:
    """All models that were loaded, and what the next batches, of whichever of them, run into."""

    loaded: list[Scripted] = field(default_factory=list)
    before: list[Callable[[], object]] = field(default_factory=list)
    before_load: list[Callable[[], object]] = field(default_factory=list)

    def load(self, content: bytes) -> Scripted:
        """The registry's way to a model: its bytes are the score as text."""
        if self.before_load:
            self.before_load.pop(0)()
        self.loaded.append(Scripted(float(content), self.before))
        return self.loaded[-1]

    def arrived(
        self, value: float, offset: int, data_type: str = "wine", topic_id: str = MODELS_TOPIC_ID
    ) -> ArrivedModel:
        """As the model feed hands it over."""
        descriptor = ModelDescriptor(
            name=f"always {value}", dataType=data_type, modeltype="ONNX", data=str(value).encode()
        )
        return ArrivedModel(registry.load(descriptor), offset, descriptor, topic_id)

    @property
    def closed(self) -> list[int]:
        """How often each has been closed."""
        return [model.closed for model in self.loaded]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[Models]:
    models = Models()
    monkeypatch.setitem(registry.FORMATS, ModelDescriptor.ONNX, models.load)
    yield models
    wait_until_stopped()


@dataclass(frozen=True)
class Record:
    value: bytes | None
    offset: int
    partition: int = 0
    topic: str = "models_data"
    timestamp: int = 0
    key: bytes | None = b"id"


def wines(*offsets: int, partition: int = 0, data_type: str = "wine") -> WineBatch:
    """A batch of records with these offsets, none of which is unfit."""
    record = WineRecord(dataType=data_type, alcohol=9.4)
    (batch,), _ = decode([Record(record.SerializeToString(), offset, partition) for offset in offsets])
    return batch


def wait_until_stopped() -> None:
    """All actors' threads have ended; the last thing that one does is to close its model."""
    for thread in threading.enumerate():
        if thread.name.startswith(("ModelServer", "ModelServingManager")):
            thread.join(5)
            assert not thread.is_alive(), f"{thread.name} did not end"


class Asked(Actors):
    """All batches are of one data topic, and an asker for the states gets what was told before."""

    def score(self, wines: WineBatch, data_topic_id: str = DATA_TOPIC_ID) -> Scores:
        return super().score(wines, data_topic_id)

    def states(self) -> Sequence[ServingState]:
        self._manager.ask("what comes after all that was told", block=True)
        return super().states()


class Live:
    """Starts actors, one life after the other, on the same directory."""

    def __init__(self, root: Path, ending: ExitStack) -> None:
        self.root = root
        self._ending = ending

    def __call__(self, timeout_s: float = 5.0) -> Asked:
        actors = self.unrestored(timeout_s)
        actors.restore()
        return actors

    def unrestored(self, timeout_s: float) -> Asked:
        """Actors that recover with the first message; their file is not open yet."""
        actors = Asked(self.root, fsync=False, timeout_s=timeout_s)
        self._ending.callback(actors.close)
        return actors


@pytest.fixture
def live(tmp_path: Path, models: Models) -> Iterator[Live]:
    with ExitStack() as ending:
        yield Live(tmp_path, ending)


def state_of(actors: Asked, data_type: str = "wine") -> ServingState:
    (state,) = (state for state in actors.states() if state.data_type == data_type)
    return state


def rows(live: Live, query: str) -> list[tuple[object, ...]]:
    """What somebody with ``sqlite3`` sees."""
    with closing(sqlite3.connect(live.root / NAME)) as connection:
        return connection.execute(query).fetchall()


def changed(live: Live, statement: str) -> None:
    """What somebody with ``sqlite3`` does."""
    with closing(sqlite3.connect(live.root / NAME)) as connection, connection:
        connection.execute(statement)


def events_of(live: Live) -> list[tuple[object, ...]]:
    return rows(live, "SELECT * FROM events")
