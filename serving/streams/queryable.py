"""What the queries ask of a streams server's application."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from serving.streams.local_state import LocalState


class Queryable(Protocol):
    """One instance among several of the same application; every call is answered at once, from any state it is in."""

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
