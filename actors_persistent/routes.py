"""The shape of ``/models``."""

from typing import Self

from pydantic import BaseModel, Field
from starlette.convertors import PathConvertor, register_url_convertor

from model.serving_state import ServingState
from serving.web.answers import StateAnswer


class AnyText(PathConvertor):
    """Starlette's own ``path`` takes slashes, but no line breaks, and a data type may have both."""

    regex = "(?s:.*)"


def register_any_text() -> None:
    """From here on a path may say ``{data_type:text}``; again changes nothing."""
    register_url_convertor("text", AnyText())


class ModelAnswer(BaseModel):
    """An active model."""

    data_type: str
    name: str | None
    description: str | None
    model_type: str | None
    since: int | None = Field(description="epoch ms at which it took over")

    @classmethod
    def of(cls, state: ServingState) -> Self:
        """The answer for a state."""
        return cls.model_validate(StateAnswer.of(state), from_attributes=True)
