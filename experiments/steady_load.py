"""Wines at a steady pace, also while the server is down."""

import threading
import time
from typing import Self

from client.provider.publisher import Publisher
from client.terminal.pace import Pace
from client.wines.source import GeneratedWines
from experiments.measured_server import TIMEOUT_S
from experiments.scene import NEVER, wines

TICK_S = 0.01


class SteadyLoad:
    """Published by a thread of its own for as long as the ``with`` block runs; after it the broker has them all."""

    def __init__(self, publisher: Publisher, source: GeneratedWines, per_s: float) -> None:
        """Publish nothing yet; ``per_s`` is how many wines a second."""
        self._publisher = publisher
        self._source = source
        self._per_s = per_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._publisher.flush(TIMEOUT_S)

    def _run(self) -> None:
        pace = Pace(time.monotonic(), 1 / self._per_s)
        asked = 0
        while not self._ended.wait(TICK_S):
            due = pace.due(time.monotonic())
            if due > asked:
                self._publisher.publish_wines(wines(self._source, due - asked), NEVER)
                self._publisher.poll(0)
                asked = due
