"""Wines at a steady pace, a share of them for the canary, and their true qualities later, on another topic."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from confluent_kafka import Producer

from client.provider.publisher import PRODUCER
from client.terminal.pace import Pace
from client.wines.source import GeneratedWines, Wines, wine_records
from experiments.drift.canary import ROUTES, route
from experiments.drift.topics import TIMEOUT_S, DriftTopics
from serving.settings.topics import Topics

TICK_S = 0.01


@dataclass(frozen=True, slots=True)
class Traffic:
    """What comes."""

    per_s: float  # wines a second
    share: float  # of the canary, 0 to 1
    late_s: float  # how long after its wine a label is published


class LabelledLoad:
    """Published by a thread for as long as the ``with`` block runs; after it the broker has all wines and labels."""

    def __init__(self, bootstrap_servers: str, topics: Topics, drift: DriftTopics, traffic: Traffic) -> None:
        """Publish nothing yet."""
        self._topics = topics
        self._drift = drift
        self._traffic = traffic
        self._source = GeneratedWines(seed=16)
        self._producer = Producer({**PRODUCER, "bootstrap.servers": bootstrap_servers})
        self._labels: deque[tuple[float, str, float]] = deque()  # when it is due, record id, quality
        self._labelling = threading.Lock()  # held by who publishes labels, and by who holds them back
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        """How many wines."""
        self.labelled = 0
        """How many of them have their label."""
        self.label_shift = 0.0
        """Added to every label from now on: the world changes."""

    def record_ids(self) -> list[str]:
        """Of all wines so far, in order."""
        return [_record_id(number) for number in range(self.sent)]

    @contextmanager
    def labels_held_back(self) -> Iterator[None]:
        """Publish wines, but no label, for as long as the block runs; the labels that were due come after it."""
        with self._labelling:
            yield

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._publish_labels(float("inf"))
        self._producer.flush(TIMEOUT_S)

    def _run(self) -> None:
        pace = Pace(time.monotonic(), 1 / self._traffic.per_s)
        while not self._ended.wait(TICK_S):
            now_s = time.monotonic()
            due = pace.due(now_s) - self.sent
            if due > 0:
                self._publish_wines(due, now_s)
            if self._labelling.acquire(blocking=False):  # else they are held back
                try:
                    self._publish_labels(now_s)
                finally:
                    self._labelling.release()
            self._producer.poll(0)

    def _publish_wines(self, n: int, now_s: float) -> None:
        wines = self._source.batch(n)
        assert wines.quality is not None
        ids = [_record_id(self.sent + i) for i in range(n)]
        routes = [route(each, self._traffic.share) for each in ids]
        for data_type in ROUTES:
            rows = [i for i, of in enumerate(routes) if of == data_type]
            values = wine_records(Wines(wines.features[rows], None), data_type, time.time_ns() // 1_000_000)
            for i, value in zip(rows, values, strict=True):
                self._producer.produce(self._topics.data, value, ids[i])
        due_s = now_s + self._traffic.late_s
        labels = (wines.quality + self.label_shift).tolist()
        self._labels.extend((due_s, each, label) for each, label in zip(ids, labels, strict=True))
        self.sent += n

    def _publish_labels(self, now_s: float) -> None:
        while self._labels and self._labels[0][0] <= now_s:
            _, record_id, label = self._labels.popleft()
            self._producer.produce(self._drift.labels, str(label), record_id)
            self.labelled += 1


def _record_id(number: int) -> str:
    return f"wine-{number}"
