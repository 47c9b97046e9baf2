"""A pool of workers for one data type: several records are scored at the same time, those of one key in order.

For work that leaves Python, such as a model behind a network, or a library that releases the interpreter. A data type's
actor would have one such pool. Results come in the order of the records, so offsets are committed as before.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import pykka

from actors_persistent.errors import ActorDied
from serving.scoring.records import RawRecord

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Failed:
    """In place of a result: what the work on this record raised."""

    error: BaseException


Work: TypeAlias = Callable[[RawRecord], R]
"""What is done with a record, on a worker's thread."""


class WorkerPool(Generic[R]):
    """Workers, of which each is an actor: it does one record after the other."""

    def __init__(self, work: Work[R], *, workers: int, max_in_flight: int, timeout_s: float) -> None:
        """Start the workers.

        Args:
            workers: how many records are worked on at the same time, at most.
            max_in_flight: how many records are with the workers or in their inboxes, at most.
            timeout_s: how long the oldest record may be waited for.
        """
        self._max_in_flight = max_in_flight
        self._timeout_s = timeout_s
        self._workers = [_Worker.start(work) for _ in range(workers)]

    def run(self, records: Iterable[RawRecord]) -> list[R | Failed]:
        """The results, in the order of the records.

        Raises:
            pykka.Timeout: a worker hangs; what is left of the batch has not been worked on.
        """
        # exercise[ac-5]: hand each record to the worker of its key, with a limit on those in flight; results in order
        answers: list[pykka.Future[Any]] = []
        for number, record in enumerate(records):
            if number >= self._max_in_flight:
                answers[number - self._max_in_flight].get(timeout=self._timeout_s)
            worker = self._workers[zlib.crc32(record.key or b"") % len(self._workers)]
            answers.append(worker.ask(record, block=False))
        return [answer.get(timeout=self._timeout_s) for answer in answers]
        # end[ac-5]

    def close(self) -> None:
        """End the workers, each after the records in its inbox; one that hangs is left behind."""
        for worker in self._workers:
            worker.stop(block=False)


class _Worker(pykka.ThreadingActor):
    use_daemon_thread = True  # work that hangs must not hold up the exit

    def __init__(self, work: Work[Any]) -> None:
        super().__init__()
        self._work = work

    def on_receive(self, message: Any) -> Any:
        try:
            return self._work(message)
        except Exception as error:  # noqa: BLE001 - one bad record must not cost its batch
            return Failed(error)
        except BaseException as error:  # noqa: BLE001 - Pykka would end all actors there are
            return Failed(ActorDied(repr(error)))
