"""The shapes of the HTTP interface's answers."""

from collections.abc import Iterable
from typing import Self

from fastapi import HTTPException
from pydantic import BaseModel, Field

from model.serving_state import ServingState


class StateAnswer(BaseModel):
    """The state for one data type; null where there is no model, or no score yet - never a sentinel number."""

    data_type: str
    name: str | None = Field(description="the active model")
    description: str | None
    model_type: str | None
    since: int | None = Field(description="epoch ms at which the active model took over")
    usage: int = Field(description="records that the active model has scored")
    duration: float = Field(description="ms it took for them, summed")
    min: float | None = Field(description="ms, the fastest record")
    max: float | None = Field(description="ms, the slowest record")
    mean: float | None = Field(description="ms per record")
    skipped: int = Field(description="records that found no model")
    dead_letters: int = Field(description="records of this data type that could not be scored")

    @classmethod
    def of(cls, state: ServingState) -> Self:
        """The answer for a state."""
        model = state.model
        return cls(
            data_type=state.data_type,
            name=model.name if model else None,
            description=model.description if model else None,
            model_type=model.model_type if model else None,
            since=state.since_ms,
            usage=state.usage,
            duration=state.duration_ms,
            min=state.min_ms,
            max=state.max_ms,
            mean=state.duration_ms / state.usage if state.usage else None,
            skipped=state.skipped,
            dead_letters=state.dead_letters,
        )


class HealthAnswer(BaseModel):
    """Whether this server can score."""

    ready: bool = Field(description="it scores what its partitions bring, or stands by while others have them all")
    broker: bool = Field(description="Kafka answers")
    reason: str | None = Field(description="why it is not ready")


class Refusal(BaseModel):
    """Why there is no answer."""

    detail: str


DEFAULT_DATA_TYPE = "wine"
"""Asked for before anything has arrived, it is a state without a model, and not unknown."""


def unknown_data_type(data_type: str) -> HTTPException:
    """The answer for a data type of which nothing has arrived."""
    return HTTPException(404, f"no model and no record of data type {data_type!r} has arrived")


def state_answer(states: Iterable[ServingState], data_type: str) -> StateAnswer:
    """The answer of a server that has all states itself.

    Raises:
        HTTPException: 404, there is no such data type.
    """
    known = {state.data_type: state for state in states}
    if data_type not in known and data_type != DEFAULT_DATA_TYPE:
        raise unknown_data_type(data_type)
    return StateAnswer.of(known.get(data_type) or ServingState(data_type))
