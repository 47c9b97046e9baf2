"""One variant's life, from one ``kill -9`` to the next, and what it leaves on disk and in Kafka."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from client.demo.circumstances import Circumstance
from client.wines.source import GeneratedWines
from experiments.logs import changelogs, log_bytes, size_bytes
from experiments.scene import Scene
from experiments.survival.kill_round import Outcome, kill_round
from experiments.variants import variant
from protobufs.model_descriptor_pb2 import ModelDescriptor

CIRCUMSTANCES: Sequence[Circumstance] = get_args(Circumstance)


@dataclass(frozen=True, slots=True)
class Life:
    """What one variant went through, and its traces at the end."""

    variant: str
    outcomes: Sequence[Outcome]
    records: int  # that it was given
    disk_bytes: int  # in its state directory
    changelog_bytes: int  # in its changelog topics' logs; Kafka's compaction makes them smaller in time


def live(scene: Scene, broker_dir: Path, model: ModelDescriptor, kills: int, per_s: float) -> Life:
    """Start the server, and kill it ``kills`` times in each circumstance, under load; its broker's data is there."""
    scene.server.start()
    scene.server.wait_until_ready()
    models = _renamed(model)
    source = GeneratedWines()
    outcomes = [
        kill_round(scene, circumstance, models, source, per_s) for _ in range(kills) for circumstance in CIRCUMSTANCES
    ]
    return Life(
        scene.server.variant,
        outcomes,
        sum(scene.observer.data_ends().values()),
        size_bytes(scene.server.data_dir.rglob("*")),
        log_bytes(broker_dir, changelogs(scene.server.group)),
    )


def _renamed(model: ModelDescriptor) -> Iterator[ModelDescriptor]:
    """The same model repeatedly, under names that tell its scores apart."""
    for number in itertools.count(1):
        renamed = ModelDescriptor()
        renamed.CopyFrom(model)
        renamed.name = f"{model.name}-{number}"
        yield renamed


def broken_promises(life: Life) -> list[str]:
    """Where the outcome differs from the variant's ``Guarantees``."""
    guarantees = variant(life.variant).guarantees
    at_once = asdict(guarantees.model_survives)
    broken = []
    for outcome in life.outcomes:
        if outcome.serves_at_once != at_once[outcome.circumstance]:
            did = "served at once" if outcome.serves_at_once else "skipped records"
            broken.append(f"{life.variant} {did} ({outcome.circumstance})")
        if outcome.counters_off:
            broken.append(f"{life.variant}'s counters are off by {outcome.counters_off} ({outcome.circumstance})")
    return broken
