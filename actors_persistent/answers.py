"""The shape of ``/models``."""

from typing import Self

from pydantic import BaseModel, Field

from model.serving_state import ServingState


class ModelAnswer(BaseModel):
    """A model in force."""

    data_type: str
    name: str | None
    description: str | None
    model_type: str | None
    since: int | None = Field(description="epoch ms at which it took over")

    @classmethod
    def of(cls, state: ServingState) -> Self:
        """The answer for a state."""
        served = state.served
        return cls(
            data_type=state.data_type,
            name=served.name if served else None,
            description=served.description if served else None,
            model_type=served.model_type if served else None,
            since=state.since_ms,
        )
