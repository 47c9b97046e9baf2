"""What can keep an experiment from its figures."""

from collections.abc import Sequence
from pathlib import Path

from client.errors import quoted
from model.errors import ServingError


class ServerEnded(ServingError):
    """A server under measurement has ended, and nobody stopped it."""

    def __init__(self, variant: str, exit_code: int, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"{variant} has ended by itself (exit code {exit_code}): mend what it reported, then measure again"
            f"{quoted('server', last_lines)}"
        )


class NotMeasured(ServingError):
    """What should be measured did not happen."""

    def __init__(self, variant: str, what: str, timeout_s: float, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"{variant}: not within {timeout_s:.0f} s: {what}. The machine may be too busy, then retry"
            f"{quoted('server', last_lines)}"
        )


class PromiseBroken(ServingError):
    """A variant broke a promise of its ``Guarantees``."""

    def __init__(self, broken: Sequence[str]) -> None:
        super().__init__(f"measured otherwise than promised: {'; '.join(broken)}. Mend the variant or its Guarantees")


class MarkerMissing(ServingError):
    """A page has no place for its table."""

    def __init__(self, marker: str) -> None:
        super().__init__(f"the page has no line '<!-- {marker} -->': put it where the table belongs")


class TableMissing(ServingError):
    """A page does not have the table that is to be read."""

    def __init__(self, head: Sequence[str]) -> None:
        super().__init__(f"the page has no table '{' | '.join(head)}': write it again, as its second line says")


class TopicNotRead(ServingError):
    """A topic's end was not reached: a transaction in it stays open."""

    def __init__(self, topic: str, partition: int, timeout_s: float) -> None:
        super().__init__(
            f"{topic}[{partition}] was not read to its end within {timeout_s:.0f} s: a transaction in it is open; "
            "stop what writes to it, and retry"
        )


class UnknownExperiment(ServingError):
    """There is no experiment of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no experiment {name!r}: choose from {', '.join(known)}")


class RiverMissing(ServingError):
    """The library that sees an error rise is not installed."""

    def __init__(self) -> None:
        super().__init__("river is not installed: pip install --constraint constraints.txt --editable '.[drift]'")


class EventUnreadable(ServingError):
    """A message of a topic of model events is none."""

    def __init__(self, value: bytes, reason: str) -> None:
        super().__init__(f"no model event: {value[:80]!r} ({reason}); see what writes to this topic")


class ModelServerMissing(ServingError):
    """MLServer is not installed in its environment."""

    def __init__(self, environment: Path) -> None:
        super().__init__(f"MLServer is not in {environment}: 'make {environment}/installed' installs it")


class PeerNotInstalled(ServingError):
    """A peer's environment has not been made."""

    def __init__(self, peer: str, environment: Path) -> None:
        super().__init__(
            f"{peer} is not installed: make {environment}/installed, or name the others only, with --peers"
        )


class StepMissing(ServingError):
    """A rebalance of which one step is in nobody's log."""

    def __init__(self, protocol: str, change: str, what: str) -> None:
        super().__init__(
            f"{protocol}, {change}: no line tells of {what!r}. Another version of Kafka may word it otherwise: see"
            " experiments/rebalance/protocols.py"
        )
