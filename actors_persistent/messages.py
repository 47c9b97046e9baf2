"""What the actors say to each other: values, never references into somebody's state."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import pykka

from model.serving_state import ServingState
from serving.engine import ArrivedModel
from serving.records import WineBatch


@dataclass(frozen=True, slots=True)
class Score:
    """Score this batch; answered with its ``Scores`` when what they count is on disk."""

    wines: WineBatch

    @property
    def data_type(self) -> str:
        """Whose actor this is for."""
        return self.wines.data_type


@dataclass(frozen=True, slots=True)
class Accept:
    """Put this model in force; answered with False if it is in force already, and then it is the asker's to close."""

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
class RestoreAll:
    """Have an actor for every data type that has a memory; answered with one ``HandedOn`` for each."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An actor tells what its state is now."""

    server: "pykka.ActorRef[Any]"
    state: ServingState


@dataclass(frozen=True, slots=True)
class States:
    """Answered with the states of all data types, at once: a query does not wait for a batch."""
