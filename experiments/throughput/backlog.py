"""How fast one variant processes a backlog, and how many records it scores again after a ``kill -9``."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.measured_server import LOOK_S
from experiments.scene import Scene
from protobufs.model_descriptor_pb2 import ModelDescriptor

WARM_UP_RECORDS = 2000
STILL_S = 0.5


@dataclass(frozen=True, slots=True)
class Speed:
    """One variant with one model."""

    variant: str
    delivery: str
    model: str
    records_per_s: float
    cpu_us_per_record: float
    peak_memory_bytes: int
    redelivered: int | None = None  # None: not killed with this model


def measure(scene: Scene, delivery: str, models: Sequence[ModelDescriptor], wines: Sequence[bytes]) -> list[Speed]:
    """The speed with each model in turn; with the last one the server is killed halfway through a further backlog."""
    speeds = []
    for model in models:
        scene.activate(model)
        warm_up(scene, wines[:WARM_UP_RECORDS])
        speeds.append(_speed(scene, delivery, model.name, wines))
    return [*speeds[:-1], replace(speeds[-1], redelivered=_redelivered(scene, wines))]


def warm_up(scene: Scene, wines: Sequence[bytes]) -> None:
    """Publish these; returns when they are scored and committed, and the broker's code is compiled."""
    expected = scene.observer.scores() + len(wines)
    scene.publish_wines(wines)
    scene.server.wait_until(lambda: scene.observer.scores() >= expected, "it was warm")
    scene.wait_until_drained()


def _backlog(scene: Scene, wines: Sequence[bytes]) -> None:
    # A server that is down would do as well, but one of the variants learns no model that was published before its
    # start; and so the start is no part of the figure. The frozen one keeps its partitions: see SESSION_TIMEOUT_MS.
    scene.server.freeze()
    scene.publish_wines(wines)


def _speed(scene: Scene, delivery: str, model: str, wines: Sequence[bytes]) -> Speed:
    server, observer = scene.server, scene.observer
    before = observer.scores()
    _backlog(scene, wines)
    used = server.usage()
    peak_bytes = used.memory_bytes
    server.thaw()
    begin_s = looked_s = time.monotonic()
    scored = 0
    while scored < len(wines):
        server.check()
        if scored == 0:
            begin_s = looked_s
        time.sleep(LOOK_S)
        looked_s = time.monotonic()
        scored = observer.scores() - before
        peak_bytes = max(peak_bytes, server.usage().memory_bytes)
    ended_s = time.monotonic()
    cpu_s = server.usage().cpu_s - used.cpu_s
    scene.wait_until_drained()
    return Speed(
        server.variant,
        delivery,
        model,
        records_per_s=len(wines) / (ended_s - begin_s),
        cpu_us_per_record=cpu_s / len(wines) * 1e6,
        peak_memory_bytes=peak_bytes,
    )


def _redelivered(scene: Scene, wines: Sequence[bytes]) -> int:
    observer = scene.observer
    before = observer.score_ends()
    half = sum(before.values()) + len(wines) // 2
    _backlog(scene, wines)
    scene.server.thaw()
    scene.server.wait_until(lambda: observer.scores() >= half, "half of the records were scored")
    scene.server.kill()
    _wait_until_still(scene)
    committed = observer.committed(scene.server.group)
    return sum(score.offset >= committed[score.partition] for score in observer.scored_since(before))


def _wait_until_still(scene: Scene) -> None:
    """Wait until nothing of the killed server is in flight."""
    seen = scene.observer.scores()
    since_s = time.monotonic()
    while time.monotonic() - since_s < STILL_S:
        time.sleep(LOOK_S)
        if (now := scene.observer.scores()) != seen:
            seen = now
            since_s = time.monotonic()
