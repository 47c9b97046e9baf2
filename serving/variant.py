"""What the kernel asks of a variant, and what a variant promises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from fastapi import APIRouter

from model.model import LoadedModel
from model.serving_state import ServingState

if TYPE_CHECKING:
    from serving.kernel import Kernel

Delivery = Literal["at-most-once", "at-least-once", "exactly-once"]


@dataclass(frozen=True, slots=True)
class Survives:
    """What is still there after a ``kill -9`` and a restart, in one of three circumstances."""

    killed: bool
    disk_wiped: bool
    model_topic_emptied: bool


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a variant promises; the README's table, the state answers and the contract tests read this one value."""

    delivery: tuple[Delivery, ...]  # the default first
    model_survives: Survives  # True: the restarted server scores at once; False: it skips until the next model
    counters_survive: Survives  # True: exact, nothing lost and nothing counted twice; False: from zero
    queryable: tuple[str, ...]  # the paths that answer for its state


ModelStart = Literal["beginning", "end"] | int
"""Where the model feed starts in the models topic; an int is the offset of the first model to read."""


@dataclass(frozen=True, slots=True)
class ArrivedModel:
    """A model that has been loaded, and where in the models topic it stood."""

    loaded: LoadedModel
    offset: int


class Engine(Protocol):
    """One variant at work. The kernel builds it, feeds it models, lets it serve, and stops it."""

    @property
    def models_from(self) -> ModelStart:
        """Where this variant's model feed goes on from."""
        ...

    async def accept(self, arrived: ArrivedModel) -> None:
        """Put a model in force, and close the one it replaces; from the next batch on it scores."""
        ...

    async def serve(self) -> None:
        """Score records until ``Kernel.stop`` is set; then finish what is in hand, commit, and return.

        Called once, when the model feed has caught up.
        """
        ...

    def states(self) -> Sequence[ServingState]:
        """The states, one per data type; called from the HTTP interface at any time."""
        ...

    async def close(self) -> None:
        """Release everything; called exactly once, also after a failed start."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the five translations: its name, its promises, and how it is built."""

    name: str
    summary: str  # one sentence
    state_lives_in: str
    default_port: int
    guarantees: Guarantees
    build: Callable[["Kernel"], Engine]
    routes: Callable[[Engine], APIRouter]
