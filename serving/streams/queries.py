"""The paths that answer for the whole application, whichever of its instances is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from serving.streams.instances import LOCAL_PATH, TIME_LIMIT_S, LocalAnswer, NoAnswer, ask
from serving.streams.local_state import LocalState, Part, combined
from serving.web.answers import DEFAULT_DATA_TYPE, Refusal, StateAnswer, unknown_data_type

RETRY_AFTER = {"Retry-After": "1"}  # seconds


class Queryable(Protocol):
    """What the queries ask of one instance among several of the same application.

    Every call is answered at once, in any state that the instance is in.
    """

    @property
    def application_id(self) -> str:
        """What the instances of this application share, and nobody else does.

        The group's metadata lists an instance for some seconds after it died, and by then another program may answer
        at its address.
        """
        ...

    @property
    def url(self) -> str:
        """This instance as the group knows it, ``http://HOST:PORT``: spelled as in ``instances``."""
        ...

    @property
    def token(self) -> str | None:
        """The token that a query of this application's instances must bring."""
        ...

    @property
    def partitions(self) -> int:
        """How many the data topic has."""
        ...

    @property
    def models_topic_id(self) -> str:
        """Of the models topic as it is now; a model of it is newer than any of a topic that had its name before."""
        ...

    def restored(self) -> bool:
        """Whether this instance has back what it knew, so that its answers are true."""
        ...

    def instances(self) -> Mapping[str, Sequence[int]]:
        """The URL of each instance, this one too, and its partitions of the data topic, as the group has it."""
        ...

    def stores(self) -> Sequence[str]:
        """The names of the tables in which counters are kept per partition; empty where they are in memory."""
        ...

    def parts(self) -> Sequence[LocalState]:
        """What this instance knows of the partitions that are its own now; none that it holds for others."""
        ...


class InstanceAnswer(BaseModel):
    """One instance of the application."""

    url: str
    partitions: list[int] = Field(description="of the data topic, that the group has given it")
    stores: list[str] | None = Field(description="where it keeps its counters; null if it does not answer")
    answers: bool
    reason: str | None = Field(description="why it does not answer")


class MissingInstance(BaseModel):
    """An instance that did not answer: what it knows is not in the sums."""

    url: str
    partitions: list[int] = Field(description="of the data topic, that the group has given it")
    reason: str


class ValueAnswer(StateAnswer):
    """The state of the whole application for one data type, and what is not in it."""

    missing: list[MissingInstance] = Field(description="empty when every instance answered")
    partitions_missing: list[int] = Field(
        description="of the data topic, that no answer covers; always empty where counters belong to instances"
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """What all instances said, this one too."""

    instances: Mapping[str, Sequence[int]]
    answers: Mapping[str, LocalAnswer | NoAnswer]
    partitions: int

    @property
    def given(self) -> Sequence[LocalAnswer]:
        """The answers that came."""
        return [answer for answer in self.answers.values() if isinstance(answer, LocalAnswer)]

    @property
    def parts(self) -> Sequence[Part]:
        """All that is known."""
        return [part for answer in self.given for part in answer.parts]

    @property
    def missing(self) -> list[MissingInstance]:
        """The instances that did not answer."""
        return [
            MissingInstance(url=url, partitions=list(self.instances.get(url, ())), reason=answer.reason)
            for url, answer in self.answers.items()
            if isinstance(answer, NoAnswer)
        ]

    @property
    def partitions_missing(self) -> list[int]:
        """The partitions that nobody who answered calls its own."""
        if not any(answer.stores for answer in self.given):
            return []
        covered = {partition for answer in self.given for partition in answer.partitions}
        return [partition for partition in range(self.partitions) if partition not in covered]


async def gather(engine: Queryable, data_type: str, time_limit_s: float) -> Gathered:
    """Ask every instance that the group has; this one answers first, the others within the time limit."""
    instances = engine.instances()
    own = local_answer(engine, data_type)
    urls = [url for url in instances if url != engine.url]
    others = await ask(urls, engine.application_id, data_type, time_limit_s, engine.token)
    return Gathered(instances, {engine.url: own, **others}, engine.partitions)


def local_answer(engine: Queryable, data_type: str | None = None) -> LocalAnswer:
    """What this instance knows by itself, of one data type or of all."""
    return LocalAnswer(
        application_id=engine.application_id,
        partitions=sorted(engine.instances().get(engine.url, ())),
        stores=list(engine.stores()),
        parts=[Part.of(local) for local in engine.parts() if data_type in (None, local.state.data_type)],
    )


def routes(engine: Queryable, time_limit_s: float = TIME_LIMIT_S) -> APIRouter:
    """The paths that answer for this application's state; other instances get so long to answer."""

    async def once_restored() -> None:
        if not engine.restored():
            raise HTTPException(503, "this instance is still restoring its state; ask again", RETRY_AFTER)

    router = APIRouter(dependencies=[Depends(once_restored)], responses={503: {"model": Refusal}})

    @router.get("/state/instance", summary="The same as /state/instances")
    @router.get("/state/instances", summary="Every instance, its partitions of the data topic, and its stores")
    async def instances() -> list[InstanceAnswer]:
        gathered = await gather(engine, DEFAULT_DATA_TYPE, time_limit_s)  # of any: what counts is who answers
        return [_instance(url, gathered.instances.get(url, ()), answer) for url, answer in gathered.answers.items()]

    @router.get(
        "/state/value", responses={404: {"model": Refusal}}, summary="The active model and what all instances did"
    )
    async def value(data_type: str = DEFAULT_DATA_TYPE) -> ValueAnswer:
        gathered = await gather(engine, data_type, time_limit_s)
        if not gathered.parts and data_type != DEFAULT_DATA_TYPE:
            raise _unknown(data_type, gathered)
        state = combined(data_type, gathered.parts, engine.models_topic_id)
        return ValueAnswer(
            **state.model_dump(), missing=gathered.missing, partitions_missing=gathered.partitions_missing
        )

    @router.get(LOCAL_PATH, summary="For the other instances: what this one knows by itself")
    async def local(data_type: str | None = None) -> LocalAnswer:
        return local_answer(engine, data_type)

    return router


def _instance(url: str, partitions: Sequence[int], answer: LocalAnswer | NoAnswer) -> InstanceAnswer:
    stores, reason = (None, answer.reason) if isinstance(answer, NoAnswer) else (answer.stores, None)
    return InstanceAnswer(url=url, partitions=sorted(partitions), stores=stores, answers=reason is None, reason=reason)


def _unknown(data_type: str, gathered: Gathered) -> HTTPException:
    missing = [f"{each.url} ({each.reason})" for each in gathered.missing]
    missing += [f"partition {number} (no instance has it yet)" for number in gathered.partitions_missing]
    if missing:
        return HTTPException(
            503, f"no answer knows data type {data_type!r}; missing: {'; '.join(missing)}", RETRY_AFTER
        )
    return unknown_data_type(data_type)
