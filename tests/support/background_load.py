"""A load in the background, for tests."""

import threading
from collections.abc import Callable, Sequence
from typing import Self

PAUSE_S = 0.02
RECORDS = 30


class BackgroundLoad:
    """Wines published in thirties, at approximately 1,300 a second, for as long as the ``with`` block runs."""

    def __init__(self, publish: Callable[[Sequence[str]], None], prefix: str, pause_s: float = PAUSE_S) -> None:
        self.ids: list[str] = []
        """The record ids so far; complete when the block has ended."""
        self._publish = publish
        self._prefix = prefix
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._pause_s):
            ids = [f"{self._prefix}-{len(self.ids) + number}" for number in range(RECORDS)]
            self._publish(ids)
            self.ids += ids
