"""What is shown of each of the five servers: made of its own answers and of what was done to it. Pure."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from serving.engine import Guarantees
from serving.web.answers import StateAnswer


class LiveNumbers(BaseModel):
    """What this process has done since its start."""

    total: int
    records_per_s: float | None
    p50_ms: float | None
    p99_ms: float | None


class LiveAnswer(BaseModel):
    """What a server promises, what it does, and what it knows; what else it says is left out."""

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
    """What a ``kill -9`` did."""

    ago_s: float
    back_s: float | None = None  # from the kill to the first score after it
    skipped: int = 0  # until then
    counters_kept: bool | None = None  # None: not known yet, or there was nothing to keep


@dataclass(frozen=True, slots=True)
class Column:
    """Everything that is shown of one server at one moment."""

    number: int  # from 1 on; the key that kills it
    name: str
    url: str
    phase: Phase
    phase_s: float  # for so long
    counters: Counters
    records_per_s: float | None
    p50_ms: float | None  # end to end: since the record's submission
    p99_ms: float | None
    per_second: tuple[int, ...]  # records scored in each of the last whole seconds, oldest first
    scored: int  # by all its processes
    guarantees: Guarantees | None  # None until it has answered once
    kills: int
    recovery: Recovery | None  # of the last kill
    last_words: str  # the last line it wrote, where it has ended by itself

    @property
    def did_its_part(self) -> bool:
        """It scored; or it skips as no model has come in its lifetime, and it promises to know no other."""
        knows_others = self.guarantees is None or self.guarantees.model_survives.killed
        return bool(self.scored) or (self.phase == "skipping" and not knows_others)


def counters_kept(before: Counters, after: Counters, scored_since: int) -> bool | None:
    """Whether a server that was killed still knows what it had counted; None where that cannot be told.

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
        # Exact counters are what they were, plus what is new, which is what was scored but for some records that came
        # again; those from zero are what was scored, but for some on their way. Which of the two is it nearer to?
        return after.usage - scored_since > before.usage / 2
    return True if before.skipped or before.dead_letters else None  # a new model's counters begin anew anyway
