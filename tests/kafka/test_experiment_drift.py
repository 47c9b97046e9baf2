"""A small run of the drift experiment on a real broker: what was done to the models, in which order."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.drift.canary import CANARY, DATA_TYPE
from experiments.drift.events import ModelEvent
from experiments.drift.load import Traffic
from experiments.drift.monitor import Limits, Monitor
from experiments.drift.page import draw
from experiments.drift.scenario import observe
from experiments.drift.topics import DriftTopics, read_events, read_whole
from experiments.drift.versions import BAD, BAD_AGAIN, BETTER, GOOD
from experiments.scene import PARTITIONS, scene
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics
from tests.support.process import eventually
from tests.support.stream import Stream, model

TRIAL = 300


def test_bad_models_are_found_by_late_labels_and_rolled_back_and_nothing_is_lost(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    prefix = topics.data.removesuffix("_data")
    with scene("custom_stage", broker.bootstrap_servers, tmp_path, (), prefix) as here:
        seen = observe(here, Traffic(per_s=1500, share=0.3, late_s=0.2), TRIAL)

    done = [(each.event, each.data_type, each.name, each.to) for each in seen.events]
    assert done[:7] == [
        ("published", CANARY, GOOD, None),
        ("promoted", DATA_TYPE, GOOD, None),
        ("published", CANARY, BETTER, None),
        ("promoted", DATA_TYPE, BETTER, None),
        ("published", CANARY, BAD, None),
        ("alarm", CANARY, BAD, None),
        ("rolled back", CANARY, BAD, BETTER),
    ]
    assert done[7:9] == [("published", CANARY, BAD_AGAIN, None), ("promoted", DATA_TYPE, BAD_AGAIN, None)]
    assert (done[9][0], done[9][2]) == ("alarm", BAD_AGAIN)  # whichever route saw it first: both go back
    assert set(done[10:12]) == {("rolled back", each, BAD_AGAIN, BETTER) for each in (DATA_TYPE, CANARY)}
    assert set(done[12:]) == {("alarm", each, BETTER, None) for each in (DATA_TYPE, CANARY)}
    assert len(done) == 14, "an alarm for each rise, and no more"
    assert all("no roll-back" in each.why for each in seen.events[12:])
    assert {each.by for each in seen.events if each.event in ("alarm", "rolled back")} == {"monitor"}

    assert seen.predicted == seen.published == seen.scored
    assert 0 < len(seen.predicted) < seen.records
    for found in seen.found.values():
        assert (found.faults, found.duplicates, found.unscored) == ([], 0, 0)
    assert (seen.joined, seen.unmatched, seen.unreadable) == (seen.records, (0, 0), 0)
    assert sum(each.records for each in seen.windows.values()) == seen.records
    assert {each.data_type for each in seen.roll_backs} == {DATA_TYPE, CANARY}
    assert all(each.first_good_ms is not None for each in seen.roll_backs)

    draw(seen, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@contextmanager
def running(monitor: Monitor) -> Iterator[Monitor]:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(monitor.run, stop)
        try:
            yield monitor
        finally:
            stop.set()
        ended.result()


class Played:
    """Scores and labels as a server and the tasters would write them, one after the other."""

    def __init__(self, stream: Stream, drift: DriftTopics) -> None:
        self.stream, self.drift, self.records = stream, drift, 0

    @classmethod
    def on(cls, broker: EmbeddedKafka, topics: Topics) -> Self:
        """On topics of their own, after two models were promoted: ``good``, then ``bad``."""
        drift = DriftTopics.prefixed(topics.data.removesuffix("_data"))
        drift.create(broker.bootstrap_servers, PARTITIONS)
        played = cls(Stream(broker.bootstrap_servers, topics), drift)
        for name in ("good", "bad"):
            played.event("promoted", name)
            played.stream.publish_model(model(name, data=name.encode()))
        return played

    def labelled(self, model_name: str, error: float, n: int, at_ms: int = 0) -> None:
        """So many scores of a model that is off by ``error``, and their labels."""
        ids = [f"wine-{self.records + number}" for number in range(n)]
        self.records += n
        for each in ids:
            score = ServingResult(
                data_type=DATA_TYPE, record_id=each, model_name=model_name, value=5.0 + error, scored_ts=at_ms
            )
            self.stream.publish(self.stream.topics.scores, score.SerializeToString(), each.encode(), 0)
        self.stream.flush()
        for each in ids:
            self.stream.publish(self.drift.labels, b"5.0", each.encode(), 0)
        self.stream.flush()

    def event(self, kind: str, name: str) -> None:
        known = {"at_ms": 1, "data_type": DATA_TYPE, "sha256": "0" * 64, "by": "operator", "why": ""}
        value = ModelEvent.model_validate({"event": kind, "name": name, **known}).message()
        self.stream.publish(self.drift.model_events, value, name.encode())
        self.stream.flush()


def test_late_labels_of_a_bad_model_ring_once_and_a_monitor_that_starts_again_knows_of_it(
    broker: EmbeddedKafka, topics: Topics
) -> None:
    played = Played.on(broker, topics)
    drift = played.drift

    def monitor() -> Monitor:
        return Monitor(broker.bootstrap_servers, topics, drift, Limits(trial=5000))

    def follow(it: Monitor, *batches: tuple[str, float, int]) -> None:
        joined = it.joined + sum(n for _, _, n in batches)
        for name, error, n in batches:
            played.labelled(name, error, n)
        eventually(lambda: it.joined == joined, f"{joined} labels were joined")

    with running(monitor()) as first:
        eventually(lambda: len(first.events) == 2, "the events were read")
        follow(first, ("good", 0.5, 1000), ("bad", 1.5, 300), ("good", 0.5, 500), ("bad", 1.5, 300))
        played.stream.publish(drift.labels, b"no number", b"wine-0", 0)
        played.stream.publish(drift.labels, b"nan", b"wine-0", 0)
        played.stream.publish(topics.scores, b"\xff no score", b"wine-0", 0)
        played.stream.publish(topics.models, b"\xff no model", b"wine")
        played.stream.flush()
        eventually(lambda: first.unreadable == 4, "what is no score, no label and no model was left out")
    with running(monitor()) as again:
        eventually(lambda: len(again.events) == 4, "the events were read")
        follow(again, ("good", 0.5, 1000), ("bad", 1.5, 300))
        assert again.labelled == {(DATA_TYPE, "good"): 1000, (DATA_TYPE, "bad"): 300}

    alarm, back = read_events(broker.bootstrap_servers, drift.model_events)[2:]
    assert (alarm.event, alarm.name, alarm.by) == ("alarm", "bad", "monitor")
    assert (back.event, back.name, back.to, back.data_type) == ("rolled back", "bad", "good", DATA_TYPE)
    assert back.sha256 == hashlib.sha256(b"bad").hexdigest()
    models = [each.value() or b"" for each in read_whole(broker.bootstrap_servers, topics.models)]
    assert [ModelDescriptor.FromString(models[at]).name for at in (0, 1, 2)] == ["good", "bad", "good"]
    assert len(models) == 4, "one roll-back, and what is no model"


def test_the_newer_model_is_to_blame_also_where_an_older_score_of_the_former_one_tips_the_scales(
    broker: EmbeddedKafka, topics: Topics
) -> None:
    played = Played.on(broker, topics)
    with running(Monitor(broker.bootstrap_servers, topics, played.drift, Limits(trial=992))) as monitor:
        eventually(lambda: len(monitor.events) == 2, "the events were read")
        played.labelled("good", 0.5, 31 * 32, at_ms=1000)  # ADWIN looks at every 32nd label:
        for _ in range(8):
            played.labelled("bad", 1.5, 31, at_ms=2000)
            played.labelled("good", 0.5, 1, at_ms=1001)  # at one of these
        eventually(lambda: monitor.joined == played.records, "all labels were joined")
    alarm, back = read_events(broker.bootstrap_servers, played.drift.model_events)[2:]
    assert (alarm.event, alarm.name) == ("alarm", "bad")
    assert (back.event, back.name, back.to) == ("rolled back", "bad", "good")
