"""The shapes of the HTTP interface's answers."""

from typing import Self

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
