"""What the kernel asks of a variant at work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from model.model import LoadedModel
from model.serving_state import ServingState

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
