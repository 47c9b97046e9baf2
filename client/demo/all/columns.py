"""What is shown of each of the five servers: made of its own answers and of what was done to it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from client.demo.all.models import Models
from client.demo.circumstances import Circumstance
from serving.engine import Guarantees
from serving.web.answers import StateAnswer


class LiveNumbers(BaseModel):
    """What this process has done since its start."""

    total: int
    records_per_s: float | None
    p50_ms: float | None
    p99_ms: float | None


class LiveAnswer(BaseModel):
    """What a server promises, what it does, and what it knows; the rest of its answer is ignored."""

    guarantees: Guarantees
    view: LiveNumbers
    states: list[StateAnswer]


Phase = Literal["starting", "serving", "skipping", "down", "silent", "ended"]


@dataclass(frozen=True, slots=True)
class Counters:
    """A server's model and what it has counted, over all data types."""

    model: str | None = None  # of the data type whose model came last
    model_type: str | None = None
    since_ms: int | None = None  # epoch ms
    usage: int = 0
    skipped: int = 0
    dead_letters: int = 0

    @classmethod
    def of(cls, answer: LiveAnswer) -> "Counters":
        """The sums of an answer."""
        served = [state for state in answer.states if state.name is not None]
        newest = max(served, key=lambda state: state.since or 0, default=None)
        return cls(
            model=newest.name if newest else None,
            model_type=newest.model_type if newest else None,
            since_ms=newest.since if newest else None,
            usage=sum(state.usage for state in answer.states),
            skipped=sum(state.skipped for state in answer.states),
            dead_letters=sum(state.dead_letters for state in answer.states),
        )


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the last kill in one circumstance did. A verdict is None until it can be given, and where it never can."""

    ago_s: float
    back_s: float | None = None  # from the kill to the first score after it
    skipped: int = 0  # until then
    model_kept: bool | None = None  # True: it scored at once; False: it skipped records until the next model
    counters_kept: bool | None = None  # True: exact; False: from zero
    undecided: str = ""  # why there is no verdict on the model


@dataclass(frozen=True, slots=True)
class Column:
    """Everything that is shown of one server at one moment."""

    number: int  # from 1 on; the key that kills it
    name: str
    url: str
    phase: Phase = "starting"
    phase_s: float = 0.0  # since it began
    counters: Counters = Counters()
    records_per_s: float | None = None
    p50_ms: float | None = None  # end to end: since the record's submission
    p99_ms: float | None = None
    per_second: tuple[int, ...] = ()  # records scored in each of the last whole seconds, oldest first
    scored: int = 0  # by all its processes
    guarantees: Guarantees | None = None  # None until it has answered once
    kills: int = 0
    recoveries: Mapping[Circumstance, Recovery] = field(default_factory=dict)
    last_kill: Circumstance | None = None
    last_words: str = ""  # the last line it wrote, where it has ended by itself

    @property
    def recovery(self) -> Recovery | None:
        """Of the last kill."""
        return None if self.last_kill is None else self.recoveries[self.last_kill]

    @property
    def did_its_part(self) -> bool:
        """It scored; or it skips as no model has come in its lifetime, and it promises to know no other."""
        knows_others = self.guarantees is None or self.guarantees.model_survives.killed
        return bool(self.scored) or (self.phase == "skipping" and not knows_others)


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that is shown at one moment."""

    columns: Sequence[Column]
    models: Models
    armed: Circumstance | None = None  # what the next number key takes away besides


def counters_kept(before: Counters, after: Counters, scored_since: int) -> bool | None:
    """Whether a server that was killed still knows what it had counted; None where there is no evidence.

    Args:
        before: its last answer before the kill.
        after: an answer of the new process.
        scored_since: how many records the new process has scored.
    """
    if after.skipped < before.skipped or after.dead_letters < before.dead_letters:
        return False
    if before.usage and after.model is None:
        return False
    if before.usage and after.model == before.model:
        # Kept counters: old usage + new scores (less what was redelivered). Reset counters: new scores only (less what
        # is in flight). Choose the nearer.
        return after.usage - scored_since > before.usage / 2
    return True if before.skipped or before.dead_letters else None  # a new model's usage starts from zero in any case
