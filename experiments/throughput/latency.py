"""How long a record waits for its score at a steady pace, while models come and while they do not."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from client.terminal.pace import Pace
from client.wines.source import GeneratedWines
from experiments.errors import NotMeasured
from experiments.measured_server import TIMEOUT_S
from experiments.scene import PARTITIONS, Scene, wines
from protobufs.model_descriptor_pb2 import ModelDescriptor

TICK_S = 0.001
SWAP_S = 1.0  # between two models
WARM_UP = 2.0
"""Times as long as is measured: a young broker compiles for approximately 20 s what it does for single records."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From handing a record to the producer until its score has come to a consumer, in milliseconds."""

    variant: str
    swaps: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    longest_ms: float


def latency(scene: Scene, per_s: float, seconds: float, models: Sequence[ModelDescriptor] = ()) -> Latency:
    """Measure at a steady pace; one of ``models`` after the other takes over, one each second.

    Raises:
        NotMeasured: records were left without a score.
    """
    warm_up_s = WARM_UP * seconds
    records = wines(GeneratedWines(), int(per_s * (seconds + warm_up_s)))
    sent_s = np.zeros(len(records))
    scored_s = np.full(len(records), np.inf)
    ready, ended = threading.Event(), threading.Event()
    reader = threading.Thread(target=_read, args=(scene, scored_s, ready, ended))
    reader.start()
    ready.wait(TIMEOUT_S)
    swaps = _publish(scene, records, sent_s, per_s, models, warm_up_s)
    deadline_s = time.monotonic() + TIMEOUT_S
    while np.isinf(scored_s).any() and time.monotonic() < deadline_s:
        time.sleep(TICK_S)
    ended.set()
    reader.join()
    if left := int(np.isinf(scored_s).sum()):
        raise NotMeasured(scene.server.variant, f"the scores of {left} records", TIMEOUT_S, [])
    waited_ms = (scored_s - sent_s)[int(per_s * warm_up_s) :] * 1000
    p50, p99, p999 = np.percentile(waited_ms, (50, 99, 99.9))
    return Latency(scene.server.variant, swaps, p50_ms=p50, p99_ms=p99, p999_ms=p999, longest_ms=waited_ms.max())


def _publish(
    scene: Scene,
    records: Sequence[bytes],
    sent_s: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    per_s: float,
    models: Sequence[ModelDescriptor],
    warm_up_s: float,
) -> int:
    producer = Producer({"bootstrap.servers": scene.bootstrap_servers, "linger.ms": 0, "acks": "all"})
    begin_s = time.monotonic()
    pace = Pace(begin_s, 1 / per_s)
    sent = swaps = 0
    while sent < len(records):
        now_s = time.monotonic()
        for number in range(sent, min(pace.due(now_s), len(records))):
            sent_s[number] = time.monotonic()
            producer.produce(scene.topics.data, records[number], str(number))
            sent = number + 1
        if models and now_s - begin_s > warm_up_s + swaps * SWAP_S:
            producer.produce(scene.topics.models, models[swaps % len(models)].SerializeToString(), b"wine")
            swaps += 1
        producer.poll(0)
        time.sleep(TICK_S)
    producer.flush(TIMEOUT_S)
    return swaps


def _read(
    scene: Scene,
    scored_s: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    ready: threading.Event,
    ended: threading.Event,
) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": scene.bootstrap_servers,
            "group.id": "latency",  # not joined: partitions are assigned by hand
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(scene.topics.scores, *at) for at in scene.observer.score_ends().items()])
    at_end = set()
    while not ended.is_set():
        for message in filter(None, [consumer.poll(0.05)]):
            now_s = time.monotonic()
            if message.error() is not None:
                at_end.add(message.partition())
                if len(at_end) == PARTITIONS:
                    ready.set()
                continue
            number = int(message.key() or b"0")
            scored_s[number] = min(scored_s[number], now_s)
    consumer.close()
