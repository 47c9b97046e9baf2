"""What graders play a model topic with: the topic, the consumer that reads it, and how models are loaded from it."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from exercises.grading import reject
from exercises.played.wines import AlcoholModel
from model.errors import LocalFailure, ModelRejected
from model.model import LoadedModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel, ModelStart
from serving.scoring.records import RejectedRecord
from serving.settings.server import Settings

LIMIT_S = 6.0
HELD_S = 3.0
TOPIC_ID = "models-topic-5"


class ModelRecord(NamedTuple):
    """A record of the models topic, as aiokafka gives it."""

    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = "models_models"
    partition: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = b"wine"


@dataclass
class PlayedTopic:
    """A models topic with one partition; its first offset need not be 0: compaction and retention remove records."""

    first: int = 0
    records: list[ModelRecord] = field(default_factory=list)
    topic_id: str = TOPIC_ID
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.first + len(self.records)

    def publish(self, value: bytes | None) -> None:
        """One record more."""
        self.records.append(ModelRecord(self.end, value))
        self.changed.set()

    def recreate(self) -> None:
        """Deleted and created again: another id, and empty."""
        self.first = 0
        self.records = []
        self.topic_id = f"{self.topic_id}-recreated"


class PlayedConsumer:
    """An ``AIOKafkaConsumer`` as far as a model feed uses one; it notes what it is told."""

    def __init__(self, topic: PlayedTopic, settings: dict[str, Any]) -> None:
        self.topic = topic
        self.settings = settings
        self.assigned: frozenset[TopicPartition] = frozenset()
        self.subscribed = False
        self.commits = 0
        self.sought: list[int] = []
        self.given: list[int] = []  # the offsets of the records that were fetched
        self._position: int | None = None

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to leave."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """As aiokafka's."""
        if self.subscribed:
            raise IllegalStateError("Subscription to topics, partitions and pattern are mutually exclusive")
        self.assigned = frozenset(partitions)
        self._position = None

    def subscribe(self, topics: object = (), pattern: object = None, listener: object = None) -> None:  # noqa: ARG002
        """As if the group had answered at once."""
        self.subscribed = True
        self.assigned = frozenset([TopicPartition("models_models", 0)])
        self._position = None

    def assignment(self) -> frozenset[TopicPartition]:
        """As aiokafka's."""
        return self.assigned

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As aiokafka's."""
        if not isinstance(offset, int) or offset < 0:
            raise ValueError("Offset must be a positive integer")
        self._check(partition)
        self._position = offset
        self.sought.append(offset)

    async def seek_to_beginning(self, *partitions: TopicPartition) -> bool:
        """As aiokafka's."""
        self._check(*partitions)
        self._position = self.topic.first
        return True

    async def seek_to_end(self, *partitions: TopicPartition) -> bool:
        """As aiokafka's."""
        self._check(*partitions)
        self._position = self.topic.end
        return True

    async def commit(self, offsets: object = None) -> None:  # noqa: ARG002
        """Only noted; aiokafka refuses it outside a group."""
        self.commits += 1

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """As aiokafka's."""
        return dict.fromkeys(partitions, self.topic.first)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """As aiokafka's."""
        return dict.fromkeys(partitions, self.topic.end)

    async def position(self, partition: TopicPartition) -> int:
        """As aiokafka's: where nobody has sought, the setting for it decides."""
        self._check(partition)
        if self._position is None:
            self._reset()
        assert self._position is not None
        return self._position

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0) -> dict[TopicPartition, Any]:  # noqa: ARG002
        """As aiokafka's; an offset that is not in the topic is reset as the setting says."""
        await asyncio.sleep(0)
        if not self.assigned:
            raise IllegalStateError("No partitions are currently assigned")
        if self._position is None or not self.topic.first <= self._position <= self.topic.end:
            self._reset()
        assert self._position is not None
        if self._position == self.topic.end:
            self.topic.changed.clear()
            try:
                await asyncio.wait_for(self.topic.changed.wait(), timeout_ms / 1000)
            except TimeoutError:
                return {}
        records = self.topic.records[self._position - self.topic.first :]
        self._position = self.topic.end
        self.given += [each.offset for each in records]
        return dict.fromkeys(self.assigned, records)

    def _reset(self) -> None:
        earliest = self.settings.get("auto_offset_reset", "latest") == "earliest"
        self._position = self.topic.first if earliest else self.topic.end

    def _check(self, *partitions: TopicPartition) -> None:
        missing = set(partitions) - self.assigned
        if missing or not self.assigned:
            raise IllegalStateError(f"Partitions {missing} are not assigned")


class PlayedLoading:
    """Loads models by their names: some cannot serve, and some not yet."""

    timeout_s = LIMIT_S

    def __init__(self, faults: Sequence[str] = (), not_yet: dict[str, int] | None = None, held: str = "") -> None:
        """A model that is ``held`` waits for ``release``.

        Args:
            faults: names of models that are refused.
            not_yet: names of models that this machine cannot load as many times.
        """
        self._faults = faults
        self._not_yet = dict(not_yet or {})
        self._held = held
        self.begun = threading.Event()
        self.release = threading.Event()
        self.waited_in_vain = False

    def load(
        self,
        descriptor: ModelDescriptor,
        sha256: str | None = None,  # noqa: ARG002
    ) -> tuple[LoadedModel, ModelDescriptor]:
        """See ``ModelLoading``; what is to be kept of the model differs from what arrived."""
        self.begun.set()
        if descriptor.name == self._held:
            self.waited_in_vain = not self.release.wait(HELD_S)
        if self._not_yet.get(descriptor.name, 0) > 0:
            self._not_yet[descriptor.name] -= 1
            raise LocalFailure("no memory")
        if descriptor.name in self._faults:
            raise ModelRejected(descriptor.name, f"{descriptor.name} is no model")
        kept = ModelDescriptor()
        kept.CopyFrom(descriptor)
        kept.description = "kept"
        model = LoadedModel(descriptor.name, "", descriptor.dataType, "ONNX", AlcoholModel())
        return model, kept


class _CaughtUp(asyncio.Event):
    """Notes what was fetched by the time that it is set."""

    def __init__(self, consumer: PlayedConsumer) -> None:
        super().__init__()
        self._consumer = consumer
        self.fetched: Sequence[int] = ()

    def set(self) -> None:
        if not self.is_set():
            self.fetched = tuple(self._consumer.given)
        super().set()


class PlayedFeed:
    """An answer's ``ModelFeed`` at work on a played topic; what it hands over and refuses is noted in order."""

    def __init__(
        self, module: ModuleType, topic: PlayedTopic, start: ModelStart, loading: PlayedLoading | None = None
    ) -> None:
        """``module``: the answer's."""
        self.arrived: list[ArrivedModel] = []
        self.rejected: list[tuple[RejectedRecord, str]] = []
        self.told: list[str] = []  # "accept NAME" and "reject OFFSET", in order
        self.consumer = PlayedConsumer(topic, {})
        self.changed = asyncio.Event()
        with_played = vars(module)
        with_played["consumer"] = self._make_consumer
        if loading is not None:
            with_played["ModelLoading"] = type("Loading", (), {"of": staticmethod(lambda _: loading)})
        self.feed = module.ModelFeed(_settings(), lambda: topic.topic_id, start, self._accept, self._reject)
        self.feed.caught_up = self._caught_up = _CaughtUp(self.consumer)
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """It runs from here on."""
        self._running = asyncio.create_task(self.feed.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """And to here."""
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])

    async def until_caught_up(self) -> Sequence[int]:
        """What was in the topic at the start is handed over or refused; the answer is which offsets were fetched."""
        waiting = asyncio.create_task(self._caught_up.wait())
        await self._wait_for(waiting, "it hands over or refuses what was in the topic")
        return self._caught_up.fetched

    async def until_told(self, what: str) -> None:
        """This is handed over or refused."""

        async def wait() -> None:
            while what not in self.told:
                self.changed.clear()
                await self.changed.wait()

        await self._wait_for(asyncio.create_task(wait()), f"it comes to {what!r}; so far: {self.told}")

    async def _wait_for(self, waiting: "asyncio.Task[Any]", what: str) -> None:
        assert self._running is not None
        done, _ = await asyncio.wait([waiting, self._running], timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if waiting not in done:
            waiting.cancel()
        if self._running in done:
            self._running.result()
        if not done:
            reject(
                "The model feed does not come to an end with the models in its topic.",
                expected=what,
                happened=f"nothing more within {LIMIT_S:g} s",
                means="the server never begins to score: it waits for its models first",
            )

    def _make_consumer(self, **settings: Any) -> PlayedConsumer:
        self.consumer.settings = settings
        return self.consumer

    async def _accept(self, arrived: ArrivedModel) -> None:
        self.arrived.append(arrived)
        self._tell(f"accept {arrived.loaded.name}")

    async def _reject(self, rejected: RejectedRecord, name: str) -> None:
        self.rejected.append((rejected, name))
        self._tell(f"reject {rejected.record.offset}")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()


@cache
def _settings() -> Settings:
    return Settings.read("server", [])


def descriptor(name: str, data_type: str = "wine") -> bytes:
    """What announces a model."""
    return ModelDescriptor(name=name, dataType=data_type, modeltype="ONNX", data=b"model").SerializeToString()
