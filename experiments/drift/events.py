"""What was done with which model, by whom and why: messages that are only ever appended, and what follows from them."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from experiments.errors import EventUnreadable


class ModelCard(BaseModel):
    """What its makers say of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    format: str  # the name in ModelDescriptor.ModelType
    size_bytes: int
    trained_on: str
    held_out_error: float  # mean absolute error in points of quality, as its makers have measured it
    parent: str | None = None  # the name of the model that it was made from


class ModelEvent(BaseModel):
    """One message, in JSON; the key is the model's name.

    - published: to the canary. promoted: to all records. From then on the model is active on ``data_type``.
    - alarm: the error on ``data_type`` has risen while this model scored; ``why`` has the statistic.
    - rolled back: on ``data_type`` the model ``to`` is active again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: Literal["published", "promoted", "alarm", "rolled back"]
    at_ms: int  # epoch ms; of a change of models: just before the broker got the model
    data_type: str
    name: str  # of the model; each version has a name of its own, because scores say no more
    sha256: str  # of its bytes
    by: str
    why: str
    card: ModelCard | None = None  # published
    to: str | None = None  # rolled back

    @property
    def activated(self) -> str | None:
        """The model that this event made the active one of its data type."""
        return {"alarm": None, "rolled back": self.to}.get(self.event, self.name)

    def message(self) -> bytes:
        """The message's value."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def of(cls, value: bytes) -> "ModelEvent":
        """The event of a message's value.

        Raises:
            EventUnreadable: it is none.
        """
        try:
            return cls.model_validate_json(value)
        except ValidationError as error:
            raise EventUnreadable(value, str(error.errors()[0]["msg"])) from None


def rolled_back(events: Sequence[ModelEvent]) -> set[str]:
    """The names of the models that were found bad."""
    return {each.name for each in events if each.event == "rolled back"}


def former_good(events: Sequence[ModelEvent], bad: str) -> str | None:
    """The name of the model to go back to: the last one that was promoted and is neither ``bad`` nor was found so."""
    not_these = {bad} | rolled_back(events)
    promoted = [each.name for each in events if each.event == "promoted" and each.name not in not_these]
    return promoted[-1] if promoted else None
