"""Which peers there are, and what starts each."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from client.errors import UnknownVariant
from experiments.errors import PeerNotInstalled


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that is none of this project's variants."""

    name: str
    commit_interval_s: float  # its engine's default, which it keeps
    python: Path  # in whose environment its engine is

    @property
    def module(self) -> str:
        """The package whose ``server`` is its program."""
        return f"experiments.peers.{self.name}"


PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        each.name: each
        for each in (
            Peer("plain_faust", 2.8, Path(sys.executable)),
            Peer("quixstreams", 5.0, Path(".venv-peers/bin/python")),
        )
    }
)
"""In the order of the tables."""


def check_peers(names: Sequence[str]) -> None:
    """See that there are such peers.

    Raises:
        UnknownVariant: there is one that is not.
        PeerNotInstalled: its environment has not been made.
    """
    for name in names:
        if name not in PEERS:
            raise UnknownVariant(name, list(PEERS), "--peers")
        if not PEERS[name].python.exists():
            raise PeerNotInstalled(name, PEERS[name].python.parents[1])
