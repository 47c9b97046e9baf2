"""What ``/healthz`` answers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """Set by the lifecycle and the engine, read by the HTTP interface."""

    caught_up: bool = False  # with the models topic
    broker: bool = False  # whether one answers
    stopping: bool = False
    partitions: int = 0  # of the data topic
    members: int | None = None
    """Of the consumer group; asked while this instance has no partition, None otherwise, or when there is no answer."""
    obstacles: list[Callable[[], str | None]] = field(default_factory=list)
    """Added by the engine: each tells, at once, what keeps this server from scoring at this moment; None: nothing."""

    def reason(self, assigned: Collection[int] | None) -> str | None:
        """Why this server cannot score; None: it can.

        An instance without a partition is as it should be where the group has more members than there are partitions.
        """
        if self.stopping:
            return "it is stopping"
        if not self.caught_up:
            return "it is starting: it has not read the models topic to its end yet"
        if not self.broker:
            return "no Kafka broker answers"
        if assigned is None:
            return "it waits for its partitions: it joins the consumer group, or the group distributes them"
        if not assigned and self.members is None:
            return "it has no partition, and does not know yet whether it should have one"
        if not assigned and self.members is not None and self.members <= self.partitions:
            return (
                f"it has no partition, though the data topic has {self.partitions} and the consumer group"
                f" {self.members} members"
            )
        return next((reason for obstacle in self.obstacles if (reason := obstacle()) is not None), None)
