"""What the shared server asks of a variant's engine, and what a variant promises."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from fastapi import APIRouter

from model.model import LoadedModel
from model.serving_state import ServingState
from protobufs.model_descriptor_pb2 import ModelDescriptor

DeliveryMode = Literal["at-most-once", "at-least-once", "exactly-once"]
OverflowPolicy = Literal["wait", "drop-oldest", "spill"]


@dataclass(frozen=True, slots=True)
class Survives:
    """What is still there after a ``kill -9`` and a restart, in one of three circumstances."""

    killed: bool
    disk_wiped: bool
    model_topic_emptied: bool


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a variant promises; the README's table, ``/live`` and the contract tests read this one value."""

    delivery: tuple[DeliveryMode, ...]  # the default first
    model_survives: Survives  # True: the restarted server scores at once; False: it skips until the next model
    counters_survive: Survives  # True: exact, nothing lost and nothing counted twice; False: from zero
    queryable: tuple[str, ...]  # the paths that answer for its state
    overflow: tuple[OverflowPolicy, ...] = ("wait",)  # the default first


@dataclass(frozen=True, slots=True)
class FeedPosition:
    """Up to where the models topic has been read: ``offset`` is the first one to read next."""

    topic_id: str  # a topic that was deleted and created again has another id, and its offsets mean something else
    offset: int


ModelStart = Literal["beginning", "end"] | FeedPosition
"""Where the model feed starts in the models topic."""


@dataclass(frozen=True, slots=True)
class ArrivedModel:
    """A model that has been loaded, what it was loaded from, and where in the models topic it stood."""

    loaded: LoadedModel
    offset: int
    descriptor: ModelDescriptor
    topic_id: str  # of the models topic in which it has this offset


class Engine(Protocol):
    """One variant's engine. ``serving/lifecycle.py`` builds it, feeds it models, runs it, and stops it."""

    @property
    def models_from(self) -> ModelStart:
        """Where this variant's model feed goes on from; asked once, after ``start``."""
        ...

    async def start(self) -> None:
        """Restore what survived the last life; the broker answers, its topics are there, and no record is read yet.

        Raises:
            ServingError: what survived cannot be used; the text says where it lies and what to do.
        """
        ...

    async def accept(self, arrived: ArrivedModel) -> bool:
        """Activate a model, and close the one it replaces; from the next batch on it scores.

        Returns False if it is active already - the same offset, the same descriptor - or a newer one is: it is closed,
        and nothing changes.
        """
        ...

    async def run(self) -> None:
        """Score records until ``Kernel.stop`` is set; then finish what is in flight, commit, and return.

        Called once, when the model feed has caught up.
        """
        ...

    def assigned(self) -> Collection[int] | None:
        """The partitions of the data topic that this instance scores; None while it joins the group or restores them.

        Called from the HTTP interface at any time.
        """
        ...

    async def data_topic_recreated(self) -> None:
        """The data topic was deleted and created again, with as many partitions; ``Broker.data_topic_id`` is new.

        Called at any time after ``start``. Offsets of the old topic mean nothing in the new one: none is committed
        there, no record counts as redelivered because of them, and the new topic is read from its beginning.
        """
        ...

    def states(self) -> Sequence[ServingState]:
        """The states, one per data type; called from the HTTP interface at any time."""
        ...

    def routes(self) -> APIRouter:
        """The paths that answer for this variant's state; called once, before ``start``."""
        ...

    async def close(self) -> None:
        """Release everything; called exactly once, also after a failed start."""
        ...
