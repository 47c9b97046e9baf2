"""What is measured: how fast it is, what a dead model server costs, what a swap costs."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np

from client.provider.publisher import Publisher
from client.topics import create_topics
from client.wines.source import GeneratedWines
from experiments.checker.faults import Findings, check
from experiments.checker.topics import read_run
from experiments.errors import NotMeasured
from experiments.external.model_server import ModelServer
from experiments.external.processor import OnFailure, Processor, Scored
from experiments.external.scorers import Scorer
from experiments.measured_server import TIMEOUT_S
from experiments.scene import NEVER, PARTITIONS, wines
from experiments.steady_load import SteadyLoad
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.scoring.outcomes import epoch_ms
from serving.settings.topics import Topics

WARM_UP_BATCHES = 20
LIVE_BATCH = 100
"""At most so many records at once, under a steady load."""
LOOK_S = 0.005
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Speed:
    """One way, with batches of one size."""

    way: str
    batch: int
    records_per_s: float
    p50_ms: float  # of the call for one batch
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Outage:
    """The model server was killed under load, and started again at once."""

    way: str
    on_failure: OnFailure
    records: int
    failures: int  # requests without an answer
    away_s: float  # from the kill until it was ready
    longest_ms: float  # from submission to score
    found: Findings


@dataclass(frozen=True, slots=True)
class Swap:
    """One model replaced another under load."""

    way: str
    takeover_ms: float  # from asking for it until the first score by the new model
    by_the_old: int  # records that were submitted after it was asked for
    failures: int
    before_ms: float  # the longest from submission to score, in the second before
    longest_ms: float  # and of what was submitted since, up to a second later


@dataclass(frozen=True, slots=True)
class Stage:
    """Topics of one's own, and who publishes there."""

    bootstrap_servers: str
    topics: Topics
    group: str
    publisher: Publisher

    def publish(self, model: ModelDescriptor) -> None:
        """Publish a model; returns when the broker has it."""
        self.publisher.publish_model(model, NEVER)
        self.publisher.flush(TIMEOUT_S)

    def findings(self) -> Findings:
        """What the checker reads from the topics."""
        return check(read_run(self.bootstrap_servers, self.topics, self.group))


def stage(bootstrap_servers: str, model: ModelDescriptor) -> Stage:
    """A stage that no other measurement has used, with this model in its models topic."""
    prefix = f"external{next(_numbers)}"
    topics = Topics.prefixed(prefix)
    create_topics(bootstrap_servers, topics, PARTITIONS)
    made = Stage(bootstrap_servers, topics, prefix, Publisher(bootstrap_servers, topics, "external", print))
    made.publish(model)
    return made


def publish_backlog(here: Stage, records: int) -> None:
    """Wines that wait for whom it may concern."""
    here.publisher.publish_wines(wines(GeneratedWines(seed=1), records), NEVER)
    here.publisher.flush(TIMEOUT_S)


def speed(here: Stage, way: str, scorer: Scorer, batch: int, limit: tuple[int, float]) -> Speed:
    """Process the backlog from its begin; ``limit``: at most so many records, and so many seconds."""
    records, seconds = limit
    processor = Processor(here.bootstrap_servers, here.topics, f"speed{next(_numbers)}", scorer, batch)
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        processor.run(stop, records)
    finally:
        timer.cancel()
    progress = processor.progress
    warm = min(WARM_UP_BATCHES, len(progress) // 2)
    if len(progress) < 2:
        raise NotMeasured(way, f"two batches of {batch} were scored", seconds, ())
    (began_s, before), (ended_s, after) = progress[warm], progress[-1]
    call_ms = np.array(processor.call_s[warm:]) * 1000
    p50_ms, p99_ms = np.percentile(call_ms, [50, 99]).tolist()
    return Speed(way, batch, (after - before) / (ended_s - began_s), p50_ms, p99_ms)


def median(rounds: Sequence[Speed]) -> Speed:
    """Of several rounds of one way and batch size, each figure's median."""
    figures = [(each.records_per_s, each.p50_ms, each.p99_ms) for each in rounds]
    return Speed(rounds[0].way, rounds[0].batch, *np.median(figures, axis=0).tolist())


def outage(
    here: Stage, way: str, scorer: Scorer, server: ModelServer, on_failure: OnFailure, load: tuple[int, float]
) -> Outage:
    """Kill the model server (``kill -9``) and start it again; ``load``: records before and after, and a second."""
    records, per_s = load
    processor = Processor(here.bootstrap_servers, here.topics, here.group, scorer, LIVE_BATCH, on_failure)
    with _running(processor, way) as wait_until:
        with SteadyLoad(here.publisher, GeneratedWines(seed=2), per_s):
            wait_until(lambda: processor.done >= records)
            server.kill()
            killed_s = time.monotonic()
            server.start()
            server.wait_until_ready()
            away_s = time.monotonic() - killed_s
            # All that was submitted so far, and more: what has waited for the model server is done.
            enough = here.publisher.wines + records
            wait_until(lambda: processor.done >= enough)
        wait_until(lambda: processor.done >= here.publisher.wines)
    longest_ms = max(_longest_ms(processor.scored), 0.0)
    return Outage(way, on_failure, here.publisher.wines, processor.failures, away_s, longest_ms, here.findings())


def swaps(
    here: Stage,
    way: str,
    scorer: Scorer,
    models: Sequence[ModelDescriptor],
    ask: Callable[[ModelDescriptor], None],
    load: tuple[int, float],
) -> tuple[Sequence[Swap], Findings]:
    """Replace the first model by each of the others in turn; ``load``: records between two swaps, and a second."""
    records, per_s = load
    processor = Processor(here.bootstrap_servers, here.topics, here.group, scorer, LIVE_BATCH)
    asked: list[tuple[int, str, int]] = []  # when, for which model, failures before
    with _running(processor, way) as wait_until:
        with SteadyLoad(here.publisher, GeneratedWines(seed=3), per_s):
            for model in models[1:]:
                enough = processor.done + records
                wait_until(lambda enough=enough: processor.done >= enough)  # type: ignore[misc]
                asked.append((epoch_ms(), model.name, processor.failures))
                here.publish(model)
                ask(model)
                wait_until(lambda name=model.name: processor.scored[-1].model == name)  # type: ignore[misc]
            enough = processor.done + records
            wait_until(lambda: processor.done >= enough)
        wait_until(lambda: processor.done >= here.publisher.wines)
    failures = [*(each[2] for each in asked[1:]), processor.failures]
    found = [
        swap_of(way, at_ms, name, processor.scored, after - before)
        for (at_ms, name, before), after in zip(asked, failures, strict=True)
    ]
    return found, here.findings()


def swap_of(way: str, asked_ms: int, name: str, scored: Sequence[Scored], failures: int) -> Swap:
    """What a swap cost that was asked for at ``asked_ms`` (epoch), for the model ``name``."""
    first = next(each for each in scored if each.at_ms >= asked_ms and each.model == name)
    by_the_old = sum(
        int((each.submitted_ms >= asked_ms).sum())
        for each in scored
        if each.model != name and each.at_ms <= first.at_ms
    )
    return Swap(
        way,
        first.at_ms - asked_ms,
        by_the_old,
        failures,
        _longest_ms(scored, asked_ms - 1000, asked_ms),
        _longest_ms(scored, asked_ms, asked_ms + 1000),
    )


def _longest_ms(scored: Sequence[Scored], since_ms: float = 0, until_ms: float = float("inf")) -> float:
    """From submission to score, of what was submitted meanwhile; 0 if nothing was."""
    waits = [
        float((each.at_ms - each.submitted_ms[chosen]).max())
        for each in scored
        if (chosen := (each.submitted_ms >= since_ms) & (each.submitted_ms < until_ms)).any()
    ]
    return max(waits, default=0.0)


@contextmanager
def _running(processor: Processor, way: str) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """The processor in a thread; gives a function that waits until something holds of it.

    Raises:
        NotMeasured: it took too long, or the processor has ended.
    """
    stop = threading.Event()
    thread = threading.Thread(target=processor.run, args=(stop,))

    def wait_until(holds: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not holds():
            if time.monotonic() > deadline_s or not thread.is_alive():
                raise NotMeasured(way, "the records were scored", TIMEOUT_S, ())
            time.sleep(LOOK_S)

    thread.start()
    try:
        yield wait_until
    finally:
        stop.set()
        thread.join()
