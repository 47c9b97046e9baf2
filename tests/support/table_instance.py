"""Instances of a table server by what they keep: in their group, on their disk, and in the table's changelog."""

import asyncio
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from faust.streams import _current_event

from model.errors import ModelRejected
from model.features import WINE, Features, Values
from model.model import LoadedModel
from protobufs.kept_state_pb2 import KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.engine import ArrivedModel
from serving.scoring.kept_state import without_data
from serving.scoring.outcomes import ScoredWines
from serving.streams.local_state import LocalState
from serving.streams.table_state import TableState
from tests.support.faust_records import Rows, events, unstarted

GOOD, NO_SCORE, UNFIT = 9.4, 13.0, float("nan")


@dataclass(eq=False)
class Alcohol:
    """Scores alcohol; a wine with 13 vol.% has no score."""

    closed: int = 0

    def score(self, features: Features) -> Values:
        alcohol = features[:, WINE.index("alcohol")]
        return np.where(alcohol == NO_SCORE, np.nan, alcohol)

    def close(self) -> None:
        self.closed += 1


def descriptor(name: str, data_type: str = "wine") -> ModelDescriptor:
    return ModelDescriptor(name=name, dataType=data_type, modeltype="ONNX", data=b"content of " + name.encode())


def wine(alcohol: float = GOOD, data_type: str = "wine") -> bytes:
    return WineRecord(dataType=data_type, alcohol=alcohol).SerializeToString()


@dataclass
class Models:
    """A table of models as ``ModelTable``: what is put is known at once, and to others once it is in the changelog."""

    changelog: dict[str, KeptModel]
    owner: bool
    unwritten: dict[str, KeptModel] = field(default_factory=dict)

    async def catch_up(self) -> None:
        for data_type, model in self.changelog.items():
            if data_type in self.unwritten and self.unwritten[data_type].offset <= model.offset:
                del self.unwritten[data_type]

    def data_types(self) -> list[str]:
        return list(self.changelog | self.unwritten)

    def newest(self, data_type: str) -> KeptModel | None:
        model = (self.changelog | self.unwritten).get(data_type)
        return None if model is None else without_data(model)

    def model(self, data_type: str) -> KeptModel:
        return (self.changelog | self.unwritten)[data_type]

    def put(self, model: KeptModel) -> None:
        self.unwritten[model.descriptor.dataType] = model

    def has_written(self, data_type: str) -> bool:
        return data_type not in self.unwritten

    async def written(self) -> None:
        if self.owner:
            self.changelog |= self.unwritten
            self.unwritten.clear()


@dataclass
class Topics:
    """The topics as they are now."""

    data_topic_id: str = "data"
    models_topic_id: str = "models"


class Scored(NamedTuple):
    """A batch as an event, its scores, and the states after it."""

    event: Any
    scored: Sequence[ScoredWines]
    after: Any


@dataclass
class Instance:
    """One life of a ``TableState``."""

    disk: dict[bytes, bytes] = field(default_factory=dict)
    changelog: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    models_changelog: dict[str, KeptModel] = field(default_factory=dict)
    unloadable: frozenset[str] = frozenset()
    owner: bool = True  # of source partition 0
    topics: Topics = field(default_factory=Topics)
    models: list[Alcohol] = field(default_factory=list)  # all that were ever loaded here
    asked: list[str] = field(default_factory=list)  # names of those that were to be loaded
    while_loading: Callable[[ModelDescriptor], object] = lambda _: None

    def __post_init__(self) -> None:
        self.rows = Rows(self.disk, self.changelog)
        self.model_rows = Models(self.models_changelog, self.owner)
        self.app: Any = unstarted()
        self.state = TableState(self.load, self.topics)
        self.state.use(self.rows, self.model_rows)

    def next_life(self, *partitions: int, **changes: Any) -> "Instance":
        """Killed, and started again with these partitions."""
        instance = replace(self, models=[], **changes)
        instance.restore(*partitions)
        return instance

    def load(self, kept: ModelDescriptor) -> LoadedModel:
        self.asked.append(kept.name)
        self.while_loading(kept)
        if kept.name in self.unloadable:
            raise ModelRejected(kept.name, "its location is gone")
        self.models.append(Alcohol())
        return LoadedModel(kept.name, "", kept.dataType, "ONNX", self.models[-1])

    def accept(self, offset: int, name: str | None = None, data_type: str = "wine") -> bool:
        """A model comes from the feed."""
        sent = descriptor(f"model {offset}" if name is None else name, data_type)
        return self.state.accept(ArrivedModel(self.load(sent), offset, sent, self.topics.models_topic_id))

    def restore(self, *partitions: int) -> None:
        asyncio.run(self.state.restore(set(partitions)))

    def serve(self, *records: tuple[int, int, bytes]) -> Sequence[ScoredWines]:
        """Score and write records by partition, offset, and value; the changelog has nothing of them yet."""
        scored: list[ScoredWines] = []
        for one in self.score(*records):
            self.write(one)
            scored += one.scored
        return scored

    def score(self, *records: tuple[int, int, bytes]) -> list[Scored]:
        """Score records, batch by batch; nothing is written yet."""
        batches = events(self.app, records)
        return [Scored(event, *self._served(event)) for event in batches]

    def _served(self, event: Any) -> tuple[Sequence[ScoredWines], Any]:
        served, after = self.state.score_batch(event.value)
        return served.scored, after

    def write(self, scored: Scored) -> None:
        """Write what a batch has changed."""
        asyncio.run(written(self.state, scored.event, scored.after))

    def acknowledged(self) -> None:
        asyncio.run(self.state.acknowledged())

    def parts(self, partition: int | None) -> list[LocalState]:
        return [each for each in self.state.parts() if each.partition == partition and each.state.data_type == "wine"]

    def part(self, partition: int) -> LocalState:
        """What it knows of wine in a partition."""
        (found,) = self.parts(partition)
        return found

    def counts(self, partition: int) -> tuple[int, int, int]:
        """Usage, skipped, dead letters; zeros where it knows nothing."""
        states = [part.state for part in self.parts(partition)]
        return (states[0].usage, states[0].skipped, states[0].dead_letters) if states else (0, 0, 0)

    def name(self, partition: int) -> str | None:
        """Of the model that a partition's counters belong to, as it is told."""
        served = self.part(partition).state.model
        return None if served is None else served.name

    @property
    def served(self) -> list[LoadedModel]:
        """The models that score."""
        return [state.model for state in self.state.states() if state.model is not None]

    @property
    def open(self) -> int:
        """How many models are loaded and not closed; none was closed twice."""
        assert all(model.closed <= 1 for model in self.models)
        return sum(not model.closed for model in self.models)


async def written(state: TableState, event: Any, after: Any) -> None:
    """As from an agent that has this event in flight."""
    _current_event.set(weakref.ref(event))
    state.write(event.value, after)
