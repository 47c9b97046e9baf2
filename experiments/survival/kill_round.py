"""One ``kill -9`` under load, and its outcome, by partition and offset of each record."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from client.demo.circumstances import Circumstance, wipe_disk
from client.wines.source import GeneratedWines
from experiments.measured_server import LOOK_S
from experiments.observer import Scored
from experiments.scene import Scene
from experiments.steady_load import SteadyLoad
from experiments.variants import STATE_PATHS, variant
from protobufs.model_descriptor_pb2 import ModelDescriptor

BEFORE_S, AFTER_S = 0.5, 0.2  # of load before the kill, and after the first score of the restarted server
SETTLE_S = 2.0  # in which a state answer has to catch up with what is committed
SKIPPED_METER = "serving_records_skipped_total"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill cost."""

    circumstance: Circumstance
    serves_at_once: bool  # False: it skipped records until the next model came
    first_score_s: float  # from its restart; where it skipped, from the moment the broker had the next model
    skipped: int  # records that never got a score
    scored_twice: int  # scores too many
    counters_off: int | None  # |usage - scored| + |skipped - really skipped|, by its own answer; None: not promised


@dataclass(frozen=True, slots=True)
class _Restart:
    serves_at_once: bool
    first_score_s: float


def kill_round(
    scene: Scene, circumstance: Circumstance, models: Iterator[ModelDescriptor], source: GeneratedWines, per_s: float
) -> Outcome:
    """Kill a running server under load, take more away, start it again, and count when every record is committed.

    Args:
        scene: its server runs, and all it has been given is committed.
        circumstance: what is removed besides.
        models: each with a name of its own; one or two are used up.
        source: where the load comes from.
        per_s: how many wines a second; they go on coming while the server is down.
    """
    server, observer = scene.server, scene.observer
    scene.activate(next(models))
    records = observer.data_ends()
    scores = observer.score_ends()
    skipped_before = _state(scene)["skipped"]
    with SteadyLoad(scene.publisher, source, per_s):
        _wait_for_scores(scene, int(per_s * BEFORE_S))
        server.kill()
        _take_away(scene, circumstance)
        # Else the figure would be the group's session timeout: it keeps a dead member's partitions for so long.
        server.wait_until(lambda: observer.without_members(server.group), "the group missed the killed server")
        restart = _restart(scene, models)
        _wait_for_scores(scene, int(per_s * AFTER_S))
    scene.wait_until_drained()
    scored = observer.scored_since(scores)
    by_record = Counter((score.partition, score.offset) for score in scored.elements())
    skipped = sum(observer.data_ends().values()) - sum(records.values()) - len(by_record)
    promised = getattr(variant(server.variant).guarantees.counters_survive, circumstance)
    counters_off = _counters_off(scene, scored, skipped_before + skipped) if promised else None
    twice = by_record.total() - len(by_record)
    return Outcome(circumstance, restart.serves_at_once, restart.first_score_s, skipped, twice, counters_off)


def _restart(scene: Scene, models: Iterator[ModelDescriptor]) -> _Restart:
    server = scene.server
    before = scene.observer.scores()
    started_s = server.start()

    def scores() -> bool:
        return scene.observer.scores() > before

    answered_s = server.wait_until(lambda: scores() or server.meter(SKIPPED_METER) > 0, "it scored or skipped")
    if scores():
        return _Restart(True, answered_s - started_s)
    published_s = scene.publish_model(next(models))
    return _Restart(False, server.wait_until(scores, "it scored with the next model") - published_s)


def _take_away(scene: Scene, circumstance: Circumstance) -> None:
    if circumstance == "disk_wiped":
        wipe_disk(scene.server.data_dir)
    elif circumstance == "model_topic_emptied":
        scene.observer.empty_models()


def _wait_for_scores(scene: Scene, n: int) -> None:
    expected = scene.observer.scores() + n
    scene.server.wait_until(lambda: scene.observer.scores() >= expected, f"{n} more scores")


def _counters_off(scene: Scene, scored: "Counter[Scored]", skipped: int) -> int:
    deadline_s = time.monotonic() + SETTLE_S
    while True:
        state = _state(scene)
        usage = sum(score.model_name == state["name"] for score in scored)  # each record once
        off: int = abs(state["usage"] - usage) + abs(state["skipped"] - skipped)
        if not off or time.monotonic() > deadline_s:
            return off
        time.sleep(LOOK_S)


def _state(scene: Scene) -> dict[str, Any]:
    path = STATE_PATHS[scene.server.variant]
    scene.server.wait_until(lambda: scene.server.get(path) is not None, f"it answered at {path}")
    answer: dict[str, Any] = scene.server.get(path)
    return answer
