"""How a group can agree on who reads which partition: what a client is configured with, and what the broker logs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Protocol = Literal["classic", "cooperative", "consumer"]
LOGGER = "org.apache.kafka.coordinator.group.GroupMetadataManager"
"""Of the broker: the lines below, some of them from DEBUG on (Kafka 4.3)."""


@dataclass(frozen=True, slots=True)
class GroupProtocol:
    """One of them; its patterns are of the broker's lines, with ``{group}``, ``{member}`` and ``{partition}``."""

    words: str
    settings: Mapping[str, str]
    broker_times: bool  # the coordinator tells members how often to give a sign of life, not their own settings
    is_incremental: bool  # a rebalance revokes what moves, and nothing else
    asked: str  # the coordinator knows that the group must change
    given_up: str  # it has not heard of a member for too long
    decided: str  # it has all that it needs to give the partition to the member

    def configured(self, client: Mapping[str, Any], name: str) -> dict[str, Any]:
        """A client's settings for a member of this name."""
        refused = {"session.timeout.ms", "heartbeat.interval.ms"} if self.broker_times else set()
        kept = {key: value for key, value in client.items() if key not in refused}
        return {**kept, **self.settings, "client.id": name}

    def pattern(self, of: str, **names: object) -> "re.Pattern[str]":
        """One of the three patterns, filled in."""
        return re.compile(of.format(**{key: re.escape(str(value)) for key, value in names.items()}))


_ASKED = "Preparing to rebalance group {group} "
_GIVEN_UP = "Member .* in group {group} has failed, removing it"
_DECIDED = "Stabilized group {group} generation"

PROTOCOLS: Mapping[Protocol, GroupProtocol] = MappingProxyType(
    {
        "classic": GroupProtocol(
            "classic",
            {"group.protocol": "classic"},
            broker_times=False,
            is_incremental=False,
            asked=_ASKED,
            given_up=_GIVEN_UP,
            decided=_DECIDED,
        ),
        "cooperative": GroupProtocol(
            "classic, cooperative-sticky",
            {"group.protocol": "classic", "partition.assignment.strategy": "cooperative-sticky"},
            broker_times=False,
            is_incremental=True,
            asked=_ASKED,
            given_up=_GIVEN_UP,
            decided=_DECIDED,
        ),
        "consumer": GroupProtocol(
            "consumer (KIP-848)",
            {"group.protocol": "consumer"},
            broker_times=True,
            is_incremental=True,
            asked=r"\[GroupId {group}\] Bumped group epoch",
            given_up=r"\[GroupId {group}\] Member .* fenced from the group because the member session expired",
            decided=r"\[GroupId {group}\] Member {member} new assignment state:"
            r".* assignedPartitions=\[[^\]]*-{partition}@.* revokedPartitions",
        ),
    }
)
