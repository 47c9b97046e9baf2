"""What happens to the models, in five acts, on a real broker; and what was to be seen in the topics afterwards."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from experiments.checker.faults import Findings, check
from experiments.checker.run import Published, Run
from experiments.checker.topics import read_run
from experiments.drift.canary import CANARY, DATA_TYPE, ROUTES, in_canary
from experiments.drift.events import ModelEvent
from experiments.drift.load import LabelledLoad, Traffic
from experiments.drift.monitor import Limits, Monitor
from experiments.drift.topics import DriftTopics, EventLog, read_events, read_whole
from experiments.drift.versions import BAD, BAD_AGAIN, BETTER, GOOD, Version, versions
from experiments.drift.windows import Windows
from experiments.scene import PARTITIONS, Scene
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord

STRICTER = -1.0
"""What the tasters give less, all at once, in the last act."""
PHASE_S = 120.0  # and what the traffic needs for it


@dataclass(frozen=True, slots=True)
class RollBack:
    """One data type's way back."""

    data_type: str
    bad: str
    good: str
    alarm_ms: int  # epoch ms, as the next two
    first_good_ms: int | None  # scored by the good model, after the alarm; None: never
    last_bad_ms: int
    bad_records: int  # scored by the bad model, in all

    @property
    def took_ms(self) -> float:
        """From the alarm until the good model scored and the bad one no longer did."""
        return float("inf") if self.first_good_ms is None else max(self.first_good_ms, self.last_bad_ms) - self.alarm_ms


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run has shown."""

    records: int
    predicted: frozenset[str]  # the ids of the canary's records, by their hash
    published: frozenset[str]  # those that were published for the canary
    scored: frozenset[str]  # those that the canary's models have scored
    events: Sequence[ModelEvent]
    roll_backs: Sequence[RollBack]
    found: Mapping[str, Findings]  # by data type
    windows: Windows
    begin_ms: int  # epoch ms, as the next one
    changed_ms: int  # from here on labels are lower
    joined: int
    unmatched: tuple[int, int]  # scores without a label, labels without a score
    unreadable: int  # messages that the monitor left out


def observe(here: Scene, traffic: Traffic, trial: int) -> Observed:
    """Play all acts on this scene, whose server does not run yet.

    Args:
        trial: a candidate is promoted after as many labelled records of the canary.
    """
    drift = DriftTopics.prefixed(here.server.group)
    drift.create(here.bootstrap_servers, PARTITIONS)
    here.server.start()
    here.server.wait_until_ready()
    monitor = Monitor(here.bootstrap_servers, here.topics, drift, Limits(trial))
    load = LabelledLoad(here.bootstrap_servers, here.topics, drift, traffic)
    with _running(monitor) as running:
        play = _Play(here, monitor, running, EventLog(here.bootstrap_servers, drift.model_events), trial)
        begin_ms = _now_ms()
        play.acts(load)
        here.wait_until_drained()
        play.wait(lambda: monitor.joined >= load.sent, "the monitor had every label")
    events = read_events(here.bootstrap_servers, drift.model_events)
    scores = [
        ServingResult.FromString(each.value() or b"") for each in read_whole(here.bootstrap_servers, here.topics.scores)
    ]
    wines = {
        (each.key() or b"").decode(): WineRecord.FromString(each.value() or b"").dataType
        for each in read_whole(here.bootstrap_servers, here.topics.data)
    }
    run = read_run(here.bootstrap_servers, here.topics, here.server.group)
    return Observed(
        records=load.sent,
        predicted=frozenset(each for each in load.record_ids() if in_canary(each, traffic.share)),
        published=frozenset(each for each, data_type in wines.items() if data_type == CANARY),
        scored=frozenset(each.record_id for each in scores if each.data_type == CANARY),
        events=events,
        roll_backs=roll_backs(events, scores),
        found={each: check(of_route(run, each, events, traffic.share)) for each in ROUTES},
        windows=monitor.windows,
        begin_ms=begin_ms,
        changed_ms=play.changed_ms,
        joined=monitor.joined,
        unmatched=monitor.unmatched,
        unreadable=monitor.unreadable,
    )


class _Play:
    """The operator: publishes, waits for what the monitor has seen, promotes."""

    def __init__(self, here: Scene, monitor: Monitor, running: "Future[None]", log: EventLog, trial: int) -> None:
        self._here = here
        self._monitor = monitor
        self._running = running
        self._log = log
        self._trial = trial
        self._versions = versions()
        self.changed_ms = 0
        """When the tasters became stricter, epoch ms; 0: not yet."""

    def acts(self, load: LabelledLoad) -> None:
        """From the first model to the day on which the world changes."""
        self._publish(self._versions[GOOD], "the first model")
        self._promote(self._versions[GOOD], "the first model")
        with load:
            self._wait_for_labels(CANARY, GOOD)
            print(f"{GOOD} scores; {BETTER} goes to the canary")
            self._publish(self._versions[BETTER], "a candidate")
            self._wait_for_labels(CANARY, BETTER)
            print(f"no alarm on {self._trial:,} labelled records: {BETTER} is promoted; {BAD} goes to the canary")
            self._promote(self._versions[BETTER], f"no alarm on {self._trial:,} labelled records of the canary")
            self._wait_for_labels(DATA_TYPE, BETTER)
            self._publish(self._versions[BAD], "a candidate")
            self._wait_for_roll_back(CANARY, BAD)
            self._wait_for_labels(CANARY, BETTER)
            print(f"rolled back; {BAD_AGAIN} goes to all records at once")
            self._release_in_a_hurry(self._versions[BAD_AGAIN], load)
            self._wait_for_roll_back(DATA_TYPE, BAD_AGAIN)
            self._wait_for_labels(CANARY, BETTER)
            print("rolled back; the tasters become stricter")
            load.label_shift = STRICTER
            self.changed_ms = _now_ms()
            self.wait(lambda: {each.data_type for each in self._alarms(BETTER)} == set(ROUTES), "both routes alarmed")

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Until it holds; what ends the monitor ends the wait."""

        def holds_and_runs() -> bool:
            if self._running.done():
                self._running.result()
            return holds()

        self._here.server.wait_until(holds_and_runs, what, PHASE_S)

    def _publish(self, version: Version, why: str) -> None:
        self._release("published", CANARY, version, why)

    def _promote(self, version: Version, why: str) -> None:
        self._release("promoted", DATA_TYPE, version, why)

    def _release_in_a_hurry(self, version: Version, load: LabelledLoad) -> None:
        """On both routes, before any label is known: an alarm in between would find the model on one of them only."""
        with load.labels_held_back():
            # Those that are out go with scores of the models before, however far the server is behind.
            self.wait(lambda: self._monitor.joined >= load.labelled, "the monitor had the labels so far")
            self._publish(version, "a candidate")
            self._promote(version, "in a hurry, without a trial")
            everywhere = dict.fromkeys(ROUTES, version.name)
            self.wait(lambda: self._monitor.active == everywhere, f"the monitor knew {version.name} on both routes")

    def _release(self, event: str, data_type: str, version: Version, why: str) -> None:
        content = {"event": event, "at_ms": _now_ms(), "data_type": data_type, "name": version.name, "by": "operator"}
        card = version.card if event == "published" else None
        self._log.append(ModelEvent.model_validate({**content, "sha256": version.sha256, "why": why, "card": card}))
        model = ModelDescriptor()
        model.CopyFrom(version.descriptor)
        model.dataType = data_type
        self._here.activate(model)

    def _wait_for_labels(self, data_type: str, model: str) -> None:
        """As many more as a trial takes."""
        labelled = self._monitor.labelled
        enough = labelled[data_type, model] + self._trial
        self.wait(lambda: labelled[data_type, model] >= enough, f"{self._trial} labels of {model} on {data_type}")

    def _wait_for_roll_back(self, data_type: str, model: str) -> None:
        def rolled_back() -> bool:
            return any(
                (e.event, e.data_type, e.name) == ("rolled back", data_type, model) for e in self._monitor.events
            )

        self.wait(rolled_back, f"{model} was rolled back on {data_type}")

    def _alarms(self, model: str) -> list[ModelEvent]:
        return [each for each in self._monitor.events if (each.event, each.name) == ("alarm", model)]


@contextmanager
def _running(monitor: Monitor) -> "Iterator[Future[None]]":
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(monitor.run, stop)
        finally:
            stop.set()


def roll_backs(events: Sequence[ModelEvent], scores: Sequence[ServingResult]) -> list[RollBack]:
    """Each roll-back with what the scores say of it; the alarm is the last one of the same model before it."""
    found = []
    alarm_ms: dict[str, int] = {}
    for event in events:
        if event.event == "alarm":
            alarm_ms[event.name] = event.at_ms
        elif event.event == "rolled back" and event.to is not None:
            since_ms = alarm_ms[event.name]
            of_route = [each for each in scores if each.data_type == event.data_type]
            bad = [each.scored_ts for each in of_route if each.model_name == event.name]
            good = [each.scored_ts for each in of_route if each.model_name == event.to and each.scored_ts >= since_ms]
            found.append(
                RollBack(
                    event.data_type,
                    event.name,
                    event.to,
                    since_ms,
                    min(good, default=None),
                    max(bad, default=since_ms),
                    len(bad),
                )
            )
    return found


def of_route(run: Run, data_type: str, events: Sequence[ModelEvent], share: float) -> Run:
    """The part of a run that one data type's model is responsible for: the checker knows one series of models.

    Which models those were is taken from the events: the models topic is compacted, and forgets.
    """
    mine = data_type == CANARY
    active = [(each.activated, each.at_ms) for each in events if each.data_type == data_type]
    return replace(
        run,
        sent=[each for each in run.sent if in_canary(each.record_id, share) == mine],
        outcomes=[each for each in run.outcomes if in_canary(each.record_id, share) == mine],
        published=[Published(name, at_ms) for name, at_ms in active if name is not None],
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
