"""What one instance knows of one data type, and what all of them know together. Pure."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from model.serving_state import ServingState
from protobufs.kept_state_pb2 import KeptModel
from serving.web.answers import StateAnswer

Count = Annotated[int, Field(ge=0, lt=2**63)]
Milliseconds = Annotated[float, Field(ge=0, le=1e15)]  # 30,000 years; neither infinite nor NaN, and a sum stays finite


@dataclass(frozen=True, slots=True)
class LocalState:
    """What one instance knows of one data type in one source partition.

    The in-memory variant's counters belong to the instance, not to a partition: there ``partition`` is None.
    """

    state: ServingState
    model_offset: int | None  # in the models topic, of the active model; None while there is none
    partition: int | None  # of the data topic
    next_offset: int | None  # in that partition: records from here on have not been counted
    model_topic_id: str | None = None  # of the models topic in which the model has its offset

    @classmethod
    def of(
        cls, state: ServingState, model: KeptModel | None, partition: int | None = None, next_offset: int | None = None
    ) -> Self:
        """With the model that ``state`` belongs to."""
        if model is None:
            return cls(state, None, partition, next_offset)
        return cls(state, model.offset, partition, next_offset, model.topic_id)


class Part(BaseModel):
    """A ``LocalState`` without its live model: as it goes from instance to instance, and as the sum is made of it."""

    model_config = ConfigDict(frozen=True, strict=True)

    data_type: str
    partition: Count | None = Field(description="of the data topic; null where counters belong to an instance")
    next_offset: Count | None = Field(description="records from here on have not been counted")
    model_offset: Count | None = Field(description="where the active model stands in the models topic")
    model_topic_id: str | None = Field(None, description="of the models topic in which it stands there")
    name: str | None
    description: str | None
    model_type: str | None
    since: Count | None = Field(description="epoch ms")
    usage: Count
    duration: Milliseconds
    min: Milliseconds | None
    max: Milliseconds | None
    skipped: Count
    dead_letters: Count

    @classmethod
    def of(cls, local: LocalState) -> Self:
        """What can be told of it."""
        told = StateAnswer.of(local.state).model_dump(exclude={"mean"})
        return cls(
            **told,
            partition=local.partition,
            next_offset=local.next_offset,
            model_offset=local.model_offset,
            model_topic_id=local.model_topic_id,
        )


def combined(data_type: str, parts: Iterable[Part], models_topic_id: str = "") -> StateAnswer:
    """The state of the whole application for one data type, while the models topic has this id.

    While a partition moves, two instances may know it: the one that has counted further counts, the other does not.
    Partitions learn of a new model one after the other, each with its next batch: the newest model that any of them
    has is active, and what they did with older ones is no longer told.
    """

    def model(part: Part) -> tuple[bool, float]:
        return part.model_topic_id == models_topic_id, _place(part.model_offset)

    counting = _without_overtaken((part for part in parts if part.data_type == data_type), model)
    newest = max(map(model, counting), default=None)
    served = [part for part in counting if model(part) == newest]
    told = next((part for part in served if part.name is not None), None)
    usage, duration = sum(part.usage for part in served), math.fsum(part.duration for part in served)
    return StateAnswer(
        data_type=data_type,
        name=told.name if told else None,
        description=told.description if told else None,
        model_type=told.model_type if told else None,
        since=min((part.since for part in served if part.since is not None), default=None),
        usage=usage,
        duration=duration,
        min=min((part.min for part in served if part.min is not None), default=None),
        max=max((part.max for part in served if part.max is not None), default=None),
        mean=duration / usage if usage else None,
        skipped=sum(part.skipped for part in counting),
        dead_letters=sum(part.dead_letters for part in counting),
    )


def _without_overtaken(parts: Iterable[Part], model: Callable[[Part], tuple[bool, float]]) -> list[Part]:
    furthest: dict[int, Part] = {}
    unpartitioned: list[Part] = []
    for part in parts:
        if part.partition is None:
            unpartitioned.append(part)
        else:
            other = furthest.get(part.partition, part)
            furthest[part.partition] = max(other, part, key=lambda each: (_place(each.next_offset), model(each)))
    return [*unpartitioned, *furthest.values()]


def _place(offset: int | None) -> float:
    return -math.inf if offset is None else offset
