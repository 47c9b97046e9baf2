"""Grades ac-5: a pool that keeps the order per key."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import wait
from types import ModuleType
from typing import Any

import pykka
import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from serving.scoring.records import RawRecord, Record
from serving.threads import start_in_daemon_thread

PATIENCE_S, TOGETHER_S = 4.0, 3.0  # the machine may stand still for 2 s: no right answer is late for that
WORKERS = 4
KEYS = [f"wine {number}".encode() for number in range(32)]


def records(keys: Sequence[bytes | None]) -> list[Record]:
    return [Record("models_data", 0, offset, 0, key, b"") for offset, key in enumerate(keys)]


class Pool:
    """The answer's pools, over work that the test has chosen."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._made: list[Any] = []

    def of(self, work: Callable[[RawRecord], Any], *, max_in_flight: int = 1000, timeout_s: float = 30.0) -> Any:
        """One of them."""
        pool = self._module.WorkerPool(work, workers=WORKERS, max_in_flight=max_in_flight, timeout_s=timeout_s)
        self._made.append(pool)
        return pool

    def run(
        self,
        work: Callable[[RawRecord], Any],
        given: Iterable[Record],
        *,
        max_in_flight: int = 1000,
        timeout_s: float = 30.0,
    ) -> Any:
        """What a pool of its own makes of these records."""
        return within_the_limit(self.of(work, max_in_flight=max_in_flight, timeout_s=timeout_s), given)

    def close(self) -> None:
        """Let all workers end."""
        for each in self._made:
            each.close()


def within_the_limit(pool: Any, given: Iterable[Record]) -> Any:
    """The results; or that it is late."""
    running = start_in_daemon_thread("running", lambda: pool.run(given))
    if not wait([running], PATIENCE_S).done:
        reject(
            "It does not come to an end when a worker hangs.",
            expected="pykka.Timeout after the time limit",
            happened=f"it still waits after {PATIENCE_S:g} s",
            means="one record that hangs stops its partition for good, and nobody is told",
        )
    try:
        return running.result()
    except pykka.Timeout:
        return "pykka.Timeout"


@pytest.fixture
def pool(answer: Answer) -> Iterator[Pool]:
    pool = Pool(answer.load())
    yield pool
    pool.close()


def test_each_record_has_its_result(pool: Pool) -> None:
    happened = pool.run(lambda record: record.offset * 10, records([b"a", b"b", b"a"]))
    expect(
        happened == [0, 10, 20],
        "The results are not those of the records.",
        expected=[0, 10, 20],
        happened=happened,
        means="a wine gets no score, or another wine's",
    )


def test_a_slow_record_holds_up_no_other_worker_and_keeps_its_place(pool: Pool) -> None:
    another = threading.Event()
    alone: list[bool] = []

    def work(record: RawRecord) -> int:
        if record.offset == 0:
            alone.append(not another.wait(TOGETHER_S))
            time.sleep(0.03)  # a model takes its time
        else:
            another.set()
        return record.offset

    happened = pool.run(work, records(KEYS))
    expect(
        alone == [False],
        "While one record is worked on, the other workers wait.",
        expected="other keys are done while the first record takes its time",
        happened="none of the 31 other keys is done before the first one",
        means="the pool is as slow as a single worker",
    )
    expect(
        happened == list(range(len(KEYS))),
        "The results are not in the order of the records.",
        expected="result 0 first, though it was ready last",
        happened=happened,
        means="each wine gets another wine's score, and a commit covers records that are not done",
    )


def test_one_key_has_one_worker(pool: Pool) -> None:
    workers: defaultdict[bytes | None, set[int]] = defaultdict(set)
    order: defaultdict[bytes | None, list[int]] = defaultdict(list)

    def work(record: RawRecord) -> None:
        workers[record.key].add(threading.get_ident())
        order[record.key].append(record.offset)

    pool.run(work, records([*KEYS, *reversed(KEYS), *KEYS]))
    most = max(len(idents) for idents in workers.values())
    expect(
        most == 1,
        "Records of one key go to different workers.",
        expected="1 worker for the 3 records of a key",
        happened=f"{most} workers for one key",
        means="the second record of a wine overtakes the first one, and the older score wins",
    )
    expect(
        all(numbers == sorted(numbers) and len(numbers) == 3 for numbers in order.values()),
        "Records of one key are not worked on in their order.",
        expected="each record of a key once, by rising offsets",
        happened=next((numbers for numbers in order.values() if numbers != sorted(set(numbers))), "some are missing"),
        means="the second record of a wine overtakes the first one, and the older score wins",
    )


def test_the_keys_are_spread_over_the_workers(pool: Pool) -> None:
    workers: set[int] = set()
    pool.run(lambda _: workers.add(threading.get_ident()), records([f"{number}".encode() for number in range(100)]))
    expect(
        len(workers) == WORKERS,
        "Some workers get no record.",
        expected=f"all {WORKERS} workers have some of 100 keys",
        happened=f"{len(workers)} have some",
        means="threads and memory are paid for, and the pool is no faster",
    )


def test_records_without_a_key_are_worked_on(pool: Pool) -> None:
    try:
        happened = pool.run(lambda record: record.offset, records([None, b"a", None, b""]))
    except (TypeError, AttributeError) as error:
        happened = error
    expect(
        happened == [0, 1, 2, 3],
        "Records without a key are not worked on.",
        expected=[0, 1, 2, 3],
        happened=happened,
        means="Kafka's keys may be null: the first such record ends the server",
    )


def test_no_more_than_the_limit_are_in_flight(pool: Pool) -> None:
    done: list[int] = []
    in_flight: list[int] = []

    def work(record: RawRecord) -> None:
        time.sleep(0.002)  # a model takes its time
        done.append(record.offset)

    def source() -> Iterator[Record]:
        for taken, record in enumerate(records(KEYS)):
            in_flight.append(taken - len(done))
            yield record

    pool.run(work, source(), max_in_flight=3)
    expect(
        max(in_flight) <= 3,
        "More records are in flight than the limit says.",
        expected="at most 3 records handed over and not done",
        happened=f"{max(in_flight)} of them",
        means="a source that is faster than the model fills the memory, until the process is killed",
    )


def test_results_of_an_older_batch_do_not_come_again(pool: Pool) -> None:
    twice = pool.of(lambda record: record.key)
    within_the_limit(twice, records([b"a", b"b"]))
    happened = within_the_limit(twice, records([b"c", b"d"]))
    expect(
        happened == [b"c", b"d"],
        "The second batch gets results of the first one.",
        expected=[b"c", b"d"],
        happened=happened,
        means="scores are sent a second time, under other records' keys",
    )


def test_as_many_as_the_limit_says_are_in_flight(pool: Pool) -> None:
    worker_of: dict[bytes | None, int] = {}
    together = threading.Barrier(2)
    apart: list[bytes | None] = []

    def work(record: RawRecord) -> str:
        if not apart:
            worker_of[record.key] = threading.get_ident()
            return ""
        try:
            together.wait(TOGETHER_S)
        except threading.BrokenBarrierError:
            return "alone"
        return "together"

    two = pool.of(work, max_in_flight=2)
    within_the_limit(two, records(KEYS))
    first = KEYS[0]
    second = next(key for key in KEYS if worker_of[key] != worker_of[first])
    apart += [first, second]
    happened = within_the_limit(two, records(apart))
    expect(
        happened == ["together", "together"],
        "Fewer records are in flight than the limit allows.",
        expected="2 records of 2 workers at the same time, with a limit of 2",
        happened=happened,
        means="workers stand still while there is work for them",
    )


@pytest.mark.parametrize("max_in_flight", [1, 100])
def test_a_worker_that_hangs_is_an_error(pool: Pool, max_in_flight: int) -> None:
    never = threading.Event()
    happened = pool.run(lambda _: never.wait(), records([b"a", b"b"]), max_in_flight=max_in_flight, timeout_s=0.05)
    never.set()
    expect(
        happened == "pykka.Timeout",
        "A worker that hangs is not told of.",
        expected="pykka.Timeout after 0.05 s",
        happened=happened,
        means="records without a score count as done: they are committed, and lost",
    )
