"""What the demo of all servers reads of a server's answer at ``/live``."""

from pydantic import BaseModel

from serving.answers import StateAnswer
from serving.guarantees import Guarantees


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
