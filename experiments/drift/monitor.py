"""The monitor: joins scores and late labels, watches the error, and goes back to the former good model at an alarm.

Beside any server, and unknown to it: it reads topics, and a roll-back is a model published once more. It is one
process (or, as in the experiment, one thread) for all models. It begins with what comes after its start; what it has
to know of the past - which models there are, which of them was good - it reads from the models and the events topic.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from google.protobuf.message import DecodeError

from client.provider.publisher import Publisher
from experiments.drift.canary import ROUTES
from experiments.drift.detector import ErrorDetector, Rise, scaled
from experiments.drift.events import ModelEvent, former_good, rolled_back
from experiments.drift.join import Join, Joined, Score
from experiments.drift.topics import TIMEOUT_S, DriftTopics, EventLog, ends, outside_of_groups
from experiments.drift.windows import NOTHING, ErrorSum, Windows, added, windowed
from model.sources.content import sha256_of
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics

FETCH = 1000
FETCH_S = 0.02
NAME = "monitor"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the monitor is told."""

    trial: int  # a model with as many labelled records and no alarm is trusted
    capacity: int = 100_000  # scores, and labels, that may wait for each other
    window_ms: int = 1000
    keep_ms: int = 900_000  # windows that are older are forgotten


def remedy(
    events: Sequence[ModelEvent], known: Collection[str], model: str, seen: ErrorSum, trial: int
) -> tuple[str | None, str]:
    """After an alarm: the model to go back to, or None, and the reason.

    A model that has long been good did not turn bad: then the world has changed, and no former model knows more of it.

    Args:
        events: all so far.
        known: the names of the models whose bytes are at hand.
        model: that scored when the error rose.
        seen: its labelled records until then, on all routes.
        trial: from how many on it is trusted.
    """
    if seen.records >= trial:
        return None, f"no roll-back: {model} was good for {seen.records:,} labels, so wines or labels have changed"
    good = former_good(events, model)
    if good is None:
        return None, "no roll-back: no other model was ever promoted"
    if good not in known:
        return None, f"no roll-back: {good} is no longer in the models topic; publish it again by hand"
    return good, f"{model} is new: {seen.records:,} labels, mean error {seen.mean:.2f}"


class Monitor:
    """``run`` it in a thread or a process of its own."""

    def __init__(self, bootstrap_servers: str, topics: Topics, drift: DriftTopics, limits: Limits) -> None:
        """Take up the position: models and events from the beginning, scores and labels from now on.

        Raises:
            KafkaException: no broker answers, or a topic is missing.
            RiverMissing: the extra ``drift`` is not installed.
        """
        self._topics = topics
        self._drift = drift
        self._limits = limits
        self._publisher = Publisher(bootstrap_servers, topics, NAME, print)
        self._log = EventLog(bootstrap_servers, drift.model_events)
        self._join = Join(limits.capacity)
        self._detectors = {data_type: ErrorDetector() for data_type in ROUTES}
        self._models: dict[str, ModelDescriptor] = {}  # by name
        self._active: dict[str, str] = {}  # data type -> name
        self._events: list[ModelEvent] = []
        self._bad: set[str] = set()
        self._newest: dict[str, Score] = {}  # data type -> the last score with a label
        self.labelled: Counter[tuple[str, str]] = Counter()
        """How many scores have their label, by data type and model."""
        self.joined = 0
        """How many in all."""
        self._seen: dict[str, ErrorSum] = {}  # by model
        self.windows: Windows = {}
        """The error of each model, in points of quality."""
        self.unreadable = 0
        """Messages that were left out because they are no score, no label or no model."""
        self._consumer = outside_of_groups(bootstrap_servers)
        self._consumer.assign(
            [TopicPartition(topics.models, at.partition, low) for at, low, _ in ends(self._consumer, topics.models)]
            + [TopicPartition(at.topic, at.partition, low) for at, low, _ in ends(self._consumer, drift.model_events)]
            + [TopicPartition(at.topic, at.partition, end) for at, _, end in ends(self._consumer, topics.scores)]
            + [TopicPartition(at.topic, at.partition, end) for at, _, end in ends(self._consumer, drift.labels)]
        )

    @property
    def events(self) -> Sequence[ModelEvent]:
        """All that it has read, its own among them."""
        return tuple(self._events)

    @property
    def active(self) -> Mapping[str, str]:
        """By data type, the name of the newest model that it has read: an alarm takes this one back, and no other."""
        return dict(self._active)

    @property
    def unmatched(self) -> tuple[int, int]:
        """Scores that were dropped without a label, and labels without a score."""
        return self._join.unlabelled, self._join.unscored

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop``.

        Raises:
            EventUnreadable: a message of the events topic is none.
            PublishingFailed: the broker takes no event or no model.
            KafkaException: a topic is gone.
        """
        with closing(self._consumer):
            while not stop.is_set():
                self.step(self._consumer.consume(FETCH, FETCH_S))

    def step(self, messages: Sequence[Message]) -> None:
        """Take a batch, of all topics: windows first, then the alarm, which may be about any of its records."""
        joined = [pair for each in messages if (pair := self._take(each)) is not None]
        batch = windowed(joined, self._limits.window_ms)
        if batch:
            self.windows = added(self.windows, batch, self._limits.keep_ms)
        for each in joined:
            self._watch(each)

    def _take(self, message: Message) -> Joined | None:
        error, value = message.error(), message.value() or b""
        if error is not None:
            if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise KafkaException(error)
            return None  # a partition's end, or what librdkafka retries
        try:
            return self._understand(message.topic(), (message.key() or b"").decode(), value)
        except (ValueError, DecodeError):  # a label that is no number, a score or a model that is none
            self.unreadable += 1
            return None

    def _understand(self, topic: str | None, key: str, value: bytes) -> Joined | None:
        if topic == self._topics.scores:
            it = ServingResult.FromString(value)
            return self._join.add_score(Score(it.record_id, it.data_type, it.model_name, it.value, it.scored_ts))
        if topic == self._drift.labels:
            label = float(value)
            if not math.isfinite(label):
                raise ValueError(label)
            return self._join.add_label(key, label)
        if topic == self._drift.model_events:
            self._events.append(ModelEvent.of(value))
            self._bad |= rolled_back(self._events)
        elif value:  # without, it is a tombstone
            model = ModelDescriptor.FromString(value)
            self._models[model.name] = model
            self._active[model.dataType] = model.name
        return None

    def _watch(self, joined: Joined) -> None:
        """Errors are watched per data type: a model that is bad from its first record on never gets worse itself."""
        score = joined.score
        self._seen[score.model] = self._seen.get(score.model, NOTHING) + ErrorSum(1, joined.error)
        self.labelled[score.data_type, score.model] += 1
        self.joined += 1
        if score.model in self._bad or score.data_type not in self._detectors:
            return  # late labels of a model that is gone already must not ring again
        newest = self._newest.get(score.data_type, score)
        if score.at_ms >= newest.at_ms:
            newest = self._newest[score.data_type] = score
        rise = self._detectors[score.data_type].update(scaled(joined.error))
        if rise is not None:
            # Partitions are not read in step: the label that tips the scales may be an older one, of the former model.
            self._alarm(score.data_type, newest.model, rise)

    def _alarm(self, data_type: str, model: str, rise: Rise) -> None:
        at_ms = _now_ms()
        self._detectors[data_type] = ErrorDetector()  # one alarm for one rise
        good, reason = remedy(self._events, self._models, model, self._seen[model], self._limits.trial)
        routes = [each for each, name in self._active.items() if name == model]
        if good is not None and not routes:
            good, reason = None, f"no roll-back: {model} is no longer active"
        why = f"{rise}; {reason}"
        changes = []
        if good is not None:
            self._bad.add(model)
            for route in routes:
                changes.append(self._event("rolled back", route, model, _now_ms(), why, good))
                self._publish(good, route)
                self._detectors[route] = ErrorDetector()
        # After the models: they are urgent. Their time stands in the events.
        self._log.append(self._event("alarm", data_type, model, at_ms, why), *changes)

    def _publish(self, name: str, data_type: str) -> None:
        model = ModelDescriptor()
        model.CopyFrom(self._models[name])
        model.dataType = data_type
        self._publisher.publish_model(model, threading.Event())
        self._publisher.flush(TIMEOUT_S)

    def _event(self, event: str, data_type: str, name: str, at_ms: int, why: str, to: str | None = None) -> ModelEvent:
        known = self._models.get(name, ModelDescriptor())
        return ModelEvent.model_validate(
            {
                "event": event,
                "at_ms": at_ms,
                "data_type": data_type,
                "name": name,
                "sha256": sha256_of(known.data),
                "by": NAME,
                "why": why,
                "to": to,
            }
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
