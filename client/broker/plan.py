"""Which brokers an embedded cluster has, and how many of them each record needs."""

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Node:
    """A process that is broker and controller (KRaft), reachable from this machine only."""

    id: int
    port: int
    controller_port: int


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """The nodes of a cluster and its id; each record is on all of them."""

    nodes: Sequence[Node]
    id: str

    @property
    def in_sync(self) -> int:
        """How many replicas must have a record before it is acknowledged: one may be away, if there are several."""
        return max(1, len(self.nodes) - 1)


def new_cluster(ports: Sequence[int], controller_ports: Sequence[int]) -> ClusterPlan:
    """A cluster that has not been there before."""
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    pairs = zip(ports, controller_ports, strict=True)
    return ClusterPlan([Node(number, *pair) for number, pair in enumerate(pairs, 1)], cluster_id)
