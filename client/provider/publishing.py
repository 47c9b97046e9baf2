"""The provider's loop: publishes what is due, shows what has happened."""

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from client.provider.publisher import Publisher
from client.terminal.display import Display
from client.terminal.pace import Pace, Rate
from client.wines.source import WineSource, wine_records
from protobufs.model_descriptor_pb2 import ModelDescriptor

BATCH = 2000
TICK_S = 0.1
MIN_TICK_S = 0.001


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish and how fast."""

    data_type: str
    data_interval_s: float  # 0: as fast as the broker takes them
    model_interval_s: float
    records: int | None  # None: no limit


class Publishing:
    """Wines and models, each at its pace, from one source and one list that is cycled through."""

    def __init__(self, plan: Plan, wines: WineSource, models: Sequence[ModelDescriptor], publisher: Publisher) -> None:
        """Publish nothing yet; ``models`` has at least one."""
        self._plan = plan
        self._wines = wines
        self._publisher = publisher
        self._models = itertools.cycle(models)
        self._current: ModelDescriptor | None = None
        self._rate = Rate()
        self._wines_asked = self._models_asked = 0

    def run(self, display: Display, stop: threading.Event) -> None:
        """Publish until ``stop`` or until all records are published; flushes nothing.

        Raises:
            PublishingFailed: the producer cannot go on.
        """
        self._started_s = now_s = time.monotonic()
        self._model_pace = Pace(now_s, self._plan.model_interval_s)
        self._wine_pace = Pace(now_s, self._plan.data_interval_s) if self._plan.data_interval_s > 0 else None
        while not stop.is_set() and self._wines_asked != self._plan.records:
            self._publish_due_model(now_s, display, stop)
            self._publish_due_wines(now_s, stop)
            now_s = time.monotonic()
            self._show(display, now_s)
            self._publisher.poll(self._pause_s(now_s))
            now_s = time.monotonic()

    def _publish_due_model(self, now_s: float, display: Display, stop: threading.Event) -> None:
        due = self._model_pace.due(now_s)
        if due > self._models_asked:
            self._models_asked = due  # a model that was missed is overtaken by this one
            self._current = next(self._models)
            self._publisher.publish_model(self._current, stop)
            display.log(f"model published: {_in_words(self._current)}")

    def _publish_due_wines(self, now_s: float, stop: threading.Event) -> None:
        n = BATCH if self._wine_pace is None else min(self._wine_pace.due(now_s) - self._wines_asked, BATCH)
        if self._plan.records is not None:
            n = min(n, self._plan.records - self._wines_asked)
        if n > 0:
            wines = self._wines.batch(n, hours=(now_s - self._started_s) / 3600)
            self._publisher.publish_wines(wine_records(wines, self._plan.data_type, time.time_ns() // 1_000_000), stop)
            self._wines_asked += n

    def _pause_s(self, now_s: float) -> float:
        if self._wine_pace is None:
            return 0.0
        due_s = min(self._wine_pace.next_s(self._wines_asked), self._model_pace.next_s(self._models_asked))
        return min(max(due_s - now_s, MIN_TICK_S), TICK_S)

    def _show(self, display: Display, now_s: float) -> None:
        publisher = self._publisher
        rate = self._rate.per_s(now_s, publisher.wines)
        wines = f"{publisher.wines:,} published, {rate:,.1f} per second"
        rows = {"wines": wines}
        if self._current is not None:
            left_s = max(0.0, self._model_pace.next_s(self._models_asked) - now_s)
            rows["model"] = f"{_in_words(self._current)}; the next in {left_s:.0f} s"
        state = "lost, retrying" if publisher.connection.lost else "answers"
        rows["broker"] = f"{state}; {publisher.in_flight:,} not yet acknowledged"
        if publisher.failed > 0:
            rows["errors"] = f"{publisher.failed:,} messages refused"
        display.show(rows, f"wines: {wines}" + ("; no broker answers" if publisher.connection.lost else ""))


def _in_words(model: ModelDescriptor) -> str:
    kind = ModelDescriptor.ModelType.Name(model.modeltype)
    return f"{model.name} ({kind}, {len(model.data) / 1000:,.1f} kB)"
