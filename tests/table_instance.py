"""Instances of a table server by what they keep: in their group, on their disk, and in the table's changelog."""

import asyncio
import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from faust.streams import _current_event

from model.errors import ModelRejected
from model.features import WINE, Features, Values
from model.model import LoadedModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.engine import ArrivedModel
from serving.streams.local_state import LocalState
from serving.streams.table_state import TableState
from tests.faust_records import Rows, events, unstarted

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
class Instance:
    """One life of a ``TableState``."""

    disk: dict[bytes, bytes] = field(default_factory=dict)
    changelog: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    unloadable: frozenset[str] = frozenset()
    models: list[Alcohol] = field(default_factory=list)  # all that were ever loaded here

    def __post_init__(self) -> None:
        self.rows = Rows(self.disk, self.changelog)
        self.app: Any = unstarted()
        self.state = TableState(self.load)
        self.state.use(self.rows)

    def load(self, kept: ModelDescriptor) -> LoadedModel:
        if kept.name in self.unloadable:
            raise ModelRejected(kept.name, "its location is gone")
        self.models.append(Alcohol())
        return LoadedModel(kept.name, "", kept.dataType, "ONNX", self.models[-1])

    def accept(self, offset: int, name: str | None = None, data_type: str = "wine") -> None:
        """A model comes from the feed."""
        sent = descriptor(f"model {offset}" if name is None else name, data_type)
        self.state.accept(ArrivedModel(self.load(sent), offset, sent, ""))

    def restore(self, *partitions: int) -> None:
        asyncio.run(self.state.restore(set(partitions)))

    def serve(self, *records: tuple[int, int, bytes]) -> None:
        """Score and write records by partition, offset, and value; the changelog has nothing of them yet."""
        for event in events(self.app, records):
            _, after = self.state.serve(event.value)
            asyncio.run(written(self.state, event, after))

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

    @property
    def open(self) -> int:
        """How many models are loaded and not closed; none was closed twice."""
        assert all(model.closed <= 1 for model in self.models)
        return sum(not model.closed for model in self.models)


async def written(state: TableState, event: Any, after: Any) -> None:
    """As from an agent that has this event in flight."""
    _current_event.set(weakref.ref(event))
    state.write(event.value, after)
