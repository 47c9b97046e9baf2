"""The broker of the exercises that need one: started when the first of them is graded, and kept for all that follow."""

import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from client.broker.embedded_kafka import EmbeddedKafka


class KeptBroker:
    """A broker on a free port, with no data of anybody's; it ends with the block, or with this process."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._lock = threading.Lock()
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._kafka: EmbeddedKafka | None = None

    def address(self) -> str:
        """Where it listens; started where it does not run, or runs no more (2 to 4 s).

        Raises:
            ServingError: it cannot be started; see ``EmbeddedKafka.start``.
        """
        with self._lock:
            if self._kafka is not None and self._kafka.death is not None:
                self._stop()
            if self._kafka is None:
                self._directory = tempfile.TemporaryDirectory(prefix="exercises-", ignore_cleanup_errors=True)
                kafka = EmbeddedKafka(port=None, data_dir=Path(self._directory.name) / "kafka")
                kafka.start()
                self._kafka = kafka
            return self._kafka.bootstrap_servers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._kafka is not None:
            self._kafka.stop()
        if self._directory is not None:
            self._directory.cleanup()
        self._kafka = self._directory = None
