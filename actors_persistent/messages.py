"""What the actors say to each other: values, never references into somebody's state."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import pykka

from model.serving_state import ServingState
from serving.engine import ArrivedModel
from serving.scoring.records import WineBatch


@dataclass(frozen=True, slots=True)
class Score:
    """Score this batch; answered with its ``Scores`` when what they count is on disk."""

    wines: WineBatch
    data_topic_id: str  # of the topic in which its records have their offsets

    @property
    def data_type(self) -> str:
        """Whose actor this is for."""
        return self.wines.data_type


@dataclass(frozen=True, slots=True)
class Accept:
    """Activate this model; answered with False if it, or a newer one, is active: the asker must then close it."""

    arrived: ArrivedModel

    @property
    def data_type(self) -> str:
        """Whose actor this is for."""
        return self.arrived.loaded.data_type


@dataclass(frozen=True, slots=True)
class Restore:
    """Be what you were; answered with the state."""

    data_type: str


ToServer: TypeAlias = Score | Accept | Restore
"""What the manager hands on to the data type's actor."""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """The manager's answer to a ``ToServer``, at once: whom it asked, and where that one's answer will be."""

    server: "pykka.ActorRef[Any]"
    answer: "pykka.Future[Any]"


@dataclass(frozen=True, slots=True)
class Replace:
    """This actor failed: have another one live from its memory, unless that has been done."""

    data_type: str
    failed: "pykka.ActorRef[Any]"


@dataclass(frozen=True, slots=True)
class Changed:
    """An actor tells what its state is now."""

    server: "pykka.ActorRef[Any]"
    state: ServingState
