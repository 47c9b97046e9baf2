"""Tests with the peers; without their environment they are not collected: ``make test-peers`` makes it."""

from experiments.peers.known import PEERS
from tests.support.process import ROOT

collect_ignore_glob = [] if all((ROOT / each.python).exists() for each in PEERS.values()) else ["test_*.py"]
