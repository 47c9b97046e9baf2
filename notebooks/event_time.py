# %% [markdown]
# # Event time
#
# **Question**: a record happened at one time and is read at another: which of the two decides what is counted together,
# and how long do we wait for those that are late?
#
# ## The idea
#
# ```text
#  happened  12:00:50            event time: in the record, the same at each reading
#                 \
#                  \  a network that was away, a phone in a tunnel, a queue
#                   \
#  read            12:01:20      processing time: the reader's clock, another at each reading
#
#  windows   |  12:00  |  12:01  |     counted where it happened, or where it was read?
# ```
#
# Counting by event time gives the same result at each reading. Its price: nobody knows whether a window is complete.
# One has to decide how long to wait, and what to do with records that come even later.
#
# ## Run it

# %%
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    KafkaError,
    KafkaException,
    Message,
)

from experiments.plots import PALETTE, figure
from notebooks.kit.walk import Walk

walk = Walk("event_time")
producer = walk.producer(enable_idempotence=True)  # no retry changes the order
NOON_MS = 1_767_614_400_000  # 5 January 2026, 12:00: time stamps are played, each run is the same


def clock(seconds: float) -> str:
    """Seconds after noon, as a clock shows them."""
    return f"{12 + seconds // 3600:02.0f}:{seconds // 60 % 60:02.0f}:{seconds % 60:02.0f}"


def refused(error: KafkaError | None, _: Message) -> None:
    if error is not None:
        raise KafkaException(error)


# %% [markdown]
# ### Whose time stamp?
#
# Every record of Kafka has one time stamp. The topic's `message.timestamp.type` says whose: the producer's, or the
# broker's at the moment when it appends the record.

# %%
stamps = {}
for kind in ("CreateTime", "LogAppendTime"):
    topic = walk.topic(kind, message_timestamp_type=kind, retention_ms="-1")
    producer.produce(topic, "a score", timestamp=NOON_MS, on_delivery=refused)
    assert producer.flush(10) == 0, "the broker does not answer"
    stamps[kind] = walk.read(topic)[0].timestamp()
    whose = "our 12:00:00" if stamps[kind][1] == NOON_MS else "the broker's clock"
    print(f"{kind:14} {whose}")

# %% [markdown]
# `CreateTime` is the default, and event time needs it. It has a danger: Kafka deletes by time stamps, too. With the
# default retention of a week, our played records of January would be deleted within minutes. So the topics here have
# `retention.ms=-1`. And a producer whose clock is far ahead may not write at all: since Kafka 4.0 the broker refuses
# what is more than an hour ahead of its own clock (`message.timestamp.after.max.ms`, KIP-1030).

# %%
topic, two_hours_ahead = walk.topic("ahead"), int(time.time() + 7200) * 1000
try:
    producer.produce(topic, "a score", timestamp=two_hours_ahead, on_delivery=refused)
    producer.flush(10)
except KafkaException as error:
    refusal = error.args[0].name()
    print("two hours ahead:", refusal)

# %% [markdown]
# ### A minute has two meanings
#
# Eleven scores, in the order in which they are read. The time stamp says when each happened. When it was read is
# played, too, and a header says it.

# %%
HAPPENED_AND_READ = [
    (5, 6), (20, 21), (42, 44), (58, 65), (66, 68), (50, 80), (95, 96), (30, 128),
    (125, 130), (150, 151), (200, 201),
]  # fmt: skip


class Score(NamedTuple):
    """When it happened, by its time stamp, and when it is read."""

    happened: int  # seconds after noon
    read: int


def publish(topic: str, scores: Iterable[tuple[int, int]], partition: int = 0) -> None:
    for happened, read in scores:
        producer.produce(
            topic,
            "5.6",
            partition=partition,
            timestamp=NOON_MS + happened * 1000,
            headers={"read": str(read)},
            on_delivery=refused,
        )
    assert producer.flush(10) == 0, "the broker does not answer"


def scores_of(topic: str, partition: int = 0) -> list[Score]:
    scores = []
    for message in walk.read(topic, partition):
        happened = (message.timestamp()[1] - NOON_MS) // 1000
        headers: dict[str, Any] = dict(message.headers() or [])
        scores.append(Score(happened, int(headers["read"])))
    return scores


# %%
topic = walk.topic("scores", retention_ms="-1")
publish(topic, HAPPENED_AND_READ)
scores = scores_of(topic)


def tumbling(seconds: Iterable[int], size: int = 60) -> Counter[int]:
    """How many fall into each window; a window is named by its beginning."""
    return Counter(each - each % size for each in seconds)


REPLAY = 3600  # an outage: everything is read again, at 13:00
counts = {
    "by event time": tumbling(each.happened for each in scores),
    "by processing time": tumbling(each.read for each in scores),
    "the same, replayed at 13:00": tumbling(REPLAY for _ in scores),
}
starts = (0, 60, 120, 180, REPLAY)
print(f"{'window from':28}" + "".join(f"{clock(start)[:5]:>7}" for start in starts))
for name, count in counts.items():
    print(f"{name:28}" + "".join(f"{count[start]:7}" for start in starts))

# %% [markdown]
# Three different histories of the same eleven scores. By event time a replay gives the first
# line again, since nothing in it depends on when it is read. By processing time it gives a burst at 13:00 that never
# happened: an alarm on "too many poor scores in a minute" would ring at each restart.
#
# ### Windows that overlap
#
# *Tumbling* windows follow each other; each record is in one. *Hopping* windows overlap: one minute long, a new one
# each 30 seconds, so each record is in two. Windows begin at multiples of their hop since 1970, not at the first
# record.


# %%
def hopping(seconds: Iterable[int], size: int = 60, hop: int = 30) -> Counter[int]:
    counts = Counter[int]()
    for each in seconds:
        newest = each - each % hop
        counts.update(range(newest, each - size, -hop))
    return counts


overlapping = hopping(each.happened for each in scores)
for start in sorted(overlapping):
    print(f"{clock(start)} - {clock(start + 60)}  {'#' * overlapping[start]}")

# %% [markdown]
# ### When is a window complete?
#
# It never is, for sure. So an engine keeps a clock that only records move: *stream time*, the latest event time so far.
# A window stays open until stream time has reached its end plus a *grace* period. Then its count is final, and a record
# for it that comes later is dropped.


# %%
class Step(NamedTuple):
    """What became of one score."""

    score: Score
    stream_time: int
    is_counted: bool
    closed: Sequence[tuple[int, int]]  # windows that are final now, and their counts


def windowed(scores: Iterable[Score], size: int = 60, grace: int = 30) -> Iterator[Step]:
    stream_time, counts = 0, Counter[int]()
    for score in scores:
        stream_time = max(stream_time, score.happened)
        start = score.happened - score.happened % size
        is_counted = stream_time < start + size + grace
        if is_counted:
            counts[start] += 1
        closed = [each for each in sorted(counts) if each + size + grace <= stream_time]
        yield Step(score, stream_time, is_counted, [(each, counts.pop(each)) for each in closed])


# %%
steps = list(windowed(scores))
print("read      happened  stream time")
for step in steps:
    late = "late, counted" if step.score.happened < step.stream_time else ""
    verdict = late if step.is_counted else "too late: dropped"
    final = "".join(f"{clock(start)[:5]} is final: {n}" for start, n in step.closed)
    times = (step.score.read, step.score.happened, step.stream_time)
    print("  ".join([*map(clock, times), "", verdict or final]).rstrip())

# %% [markdown]
# The score of 12:00:50 is late, and is counted: its window is open until stream time reaches
# 12:01:30. The one of 12:00:30 comes after that, and is dropped. And the windows from 12:02 on are never final here:
# stream time stands still when no record comes. On a quiet topic the last result waits for the next record.
#
# ### How long to wait
#
# 400 scores in ten minutes; most are read within seconds, some take minutes. Where is the line between them?

# %%
from random import Random

random = Random(17)  # played delays, the same in each run
both = []
for n in range(400):
    mean_delay = 4 if random.random() < 0.85 else 60
    happened = n * 1.5
    both.append((int(happened), int(happened + random.expovariate(1 / mean_delay))))
traffic = walk.topic("traffic", retention_ms="-1")
publish(traffic, sorted(both, key=lambda each: each[1]))
busy = scores_of(traffic)

# %%
truth, dropped_by = tumbling(each.happened for each in busy), {}
print("grace   dropped      final counts that are wrong")
for grace in (0, 10, 30, 60, 120, 300):
    outcome = list(windowed(busy, grace=grace))
    final_counts = dict(count for step in outcome for count in step.closed)
    wrong = sum(truth[start] != n for start, n in final_counts.items())
    dropped_by[grace] = sum(not step.is_counted for step in outcome)
    print(f"{grace:3} s   {dropped_by[grace]:3} of 400   {wrong} of {len(final_counts)}")

# %% [markdown]
# There is no right number. Each second of grace saves some records; it also delays every
# result by a second, and keeps more windows in memory. With five minutes nothing is dropped, and only four of the ten
# minutes are final at the end. The same with 30 s, as a picture:

# %%
patient = list(windowed(busy, grace=30))
_, axes = figure("400 scores, a grace of 30 s", "read, minutes after noon", "happened, minutes")
read = [step.score.read / 60 for step in patient]
stream_time = [step.stream_time / 60 for step in patient]
closed_below = [(step.stream_time - 30) // 60 for step in patient]
axes.step(read, stream_time, PALETTE[0], where="post", label="stream time")
axes.step(read, closed_below, PALETTE[2], where="post", label="windows below are final")
for is_counted, label, mark, color in ((True, "counted", "o", 5), (False, "dropped", "x", 1)):
    chosen = [step.score for step in patient if step.is_counted == is_counted]
    x, y = [each.read / 60 for each in chosen], [each.happened / 60 for each in chosen]
    axes.scatter(x, y, s=16, marker=mark, color=PALETTE[color], label=label)
_ = axes.legend(loc="upper left", fontsize=9)

# %% [markdown]
# ### Two partitions, two clocks
#
# A reader gets partition 0 first and partition 1 after it: so fetches may come, after an outage above all. With one
# stream time for both, nearly all of partition 1 is too late. A *watermark* takes the *smallest* of the partitions'
# clocks. To read the oldest record first is the other remedy.

# %%
two = walk.topic("two", partitions=2, retention_ms="-1")
publish(two, [(10, 11), (100, 101), (200, 201), (300, 301)], partition=0)
publish(two, [(20, 21), (90, 91), (210, 211), (290, 291)], partition=1)
first, second = scores_of(two, 0), scores_of(two, 1)


def kept_by_watermark(partitions: Sequence[Sequence[Score]]) -> int:
    clocks, kept = [0] * len(partitions), 0
    for number, scores in enumerate(partitions):
        for score in scores:
            clocks[number] = max(clocks[number], score.happened)
            window_end = score.happened - score.happened % 60 + 60
            kept += min(clocks) < window_end + 30
    return kept


kept = {
    "one stream time, as they come": sum(step.is_counted for step in windowed([*first, *second])),
    "watermark: the smallest clock": kept_by_watermark([first, second]),
    "the oldest record first": sum(step.is_counted for step in windowed(sorted([*first, *second]))),
}
for rule, number in kept.items():
    print(f"{rule:31} {number} of 8 counted")

# %% [markdown]
# ### A label that comes an hour late
#
# Was a score right? The testers say so an hour later, and by then another model may be active. So a label does not say
# how good *today's* model is: it must find its own score, by the record's id. Here a real server scores, and its model
# is swapped in between. The wines' event time is in their payload; the server passes it on as `record_ts`.

# %%
from client.provider.shipped_models import shipped_models
from client.wines.source import GeneratedWines, wine_records

HOUR_MS = 3_600_000
models = {model.name: model for model in shipped_models()}
generated = GeneratedWines(seed=17)
testers: list[tuple[int, str, float]] = []  # what they will say: when, of which wine, its quality
scene = walk.scene("custom_stage")
scene.server.start()
scene.server.wait_until_ready()
for name, minute in (("forest-onnx", 20), ("linear-onnx", 100)):  # wines of 12:20 and of 13:40
    scene.activate(models[name])
    wines, at_ms = generated.batch(100), NOON_MS + minute * 60_000
    scene.publish_wines(wine_records(wines, "wine", at_ms))
    scene.wait_until_drained()
    assert wines.quality is not None, "generated wines have one"
    for quality in wines.quality:
        testers.append((at_ms + HOUR_MS, f"wine-measured-{len(testers)}", float(quality)))

# %% [markdown]
# The labels are the testers' quality of each wine, an hour after it, under the record id that the score has, too. One
# wine of ten is never tasted.

# %%
from protobufs.serving_result_pb2 import ServingResult

labels = walk.topic("labels", retention_ms="-1")
for number, (at_ms, record_id, tasted) in enumerate(testers):
    if number % 10:
        producer.produce(labels, str(tasted), record_id, timestamp=at_ms, on_delivery=refused)
assert producer.flush(10) == 0, "the broker does not answer"

Event = tuple[int, str, ServingResult | float]  # when, of which wine, and its score or its label
events: list[Event] = []
for message in walk.read(labels):
    record_id = (message.key() or b"").decode()
    events.append((message.timestamp()[1], record_id, float(message.value() or b"")))
for partition in range(3):
    for message in walk.read(scene.topics.scores, partition):
        result = ServingResult.FromString(message.value() or b"")
        events.append((result.record_ts, result.record_id, result))
results = [event for _, _, event in events if isinstance(event, ServingResult)]
print(f"{len(results)} scores, {len(events) - len(results)} labels")


# %%
class Joined(NamedTuple):
    """A label that has found its score."""

    scored_by: str
    active: str  # when the label came
    error: float


def join(limit_ms: int) -> tuple[list[Joined], Counter[str]]:
    joined: list[Joined] = []
    waiting: dict[str, ServingResult] = {}
    counted = Counter[str]()
    for at_ms, record_id, event in sorted(events, key=lambda each: each[0]):
        for old in [key for key, each in waiting.items() if at_ms - each.record_ts > limit_ms]:
            del waiting[old]
            counted["given up"] += 1
        if isinstance(event, ServingResult):
            waiting[record_id] = event
            counted["most at a time"] = max(counted["most at a time"], len(waiting))
        elif (score := waiting.pop(record_id, None)) is not None:
            active = "forest-onnx" if at_ms < NOON_MS + HOUR_MS else "linear-onnx"  # from 13:00 on
            joined.append(Joined(score.model_name, active, abs(score.value - event)))
    counted["still waiting"] = len(waiting)
    return joined, counted


# %%
pairs, waited = join(limit_ms=2 * HOUR_MS)


def mean_error(errors: Sequence[float]) -> str:
    return f"{len(errors)}, mean error {sum(errors) / len(errors):.2f}" if errors else "none"


print("labels        by record id           by the model that is active when the label comes")
for name in ("forest-onnx", "linear-onnx"):
    by_id = mean_error([pair.error for pair in pairs if pair.scored_by == name])
    by_label_time = mean_error([pair.error for pair in pairs if pair.active == name])
    print(f"{name}   {by_id:20}   {by_label_time}")
print("scores that waited:", ", ".join(f"{number} {what}" for what, number in waited.items()))

# %% [markdown]
# By record id each model gets its own 90 labels. Who takes the model that is active when a
# label comes blames the second model for what the first one scored. And the join needs a limit: ten scores of 12:20 had
# no label after two hours, and are given up. Without one they would wait in memory until the server's end.
#
# ## What you should see
#
# - By event time the eleven scores are 6, 2, 2, 1 at each reading. By processing time they are 3, 4, 3, 1, and 11 at a
#   replay.
# - Only records move stream time, and grace is a choice between late results and lost records.
# - With one clock for two partitions 5 of 8 scores are counted, with a watermark all of them.
# - A label finds its score by the record's id; what waits for it needs a limit.
#
# ## Try this
#
# 1. Wait longer: `list(windowed(scores, grace=120))`. All eleven scores are counted. But the first final count,
#    6 scores from 12:00 on, comes with the last score only, at 12:03:21.

# %% tags=["try-this"]
waited_for = list(windowed(scores, grace=120))
assert all(step.is_counted for step in waited_for)
assert [step.closed for step in waited_for if step.closed] == [[(0, 6)]]
assert waited_for[-1].closed
assert clock(waited_for[-1].score.read) == "12:03:21"

# %% [markdown]
# 2. One producer's clock is 50 minutes fast, which the broker accepts: `list(windowed([*scores[:3], Score(3050, 45),
#    *scores[3:]]))`. Stream time jumps to 12:50:50, and all eight scores behind it are dropped.

# %% tags=["try-this"]
fast = list(windowed([*scores[:3], Score(3050, 45), *scores[3:]]))
assert clock(fast[3].stream_time) == "12:50:50"
assert [step.is_counted for step in fast] == [True] * 4 + [False] * 8

# %% [markdown]
# 3. Give the labels half an hour: `join(limit_ms=HOUR_MS // 2)`. No label finds its score, and only the count of those
#    that were given up says so.

# %% tags=["try-this"]
pairs_in_time, waited_in_vain = join(limit_ms=HOUR_MS // 2)
assert pairs_in_time == []
assert waited_in_vain["given up"] == 200

# %% [markdown]
# ## What production does
#
# - **Kafka Streams**: a `TimestampExtractor` says which time counts: the record's, or a field as `record_ts` here.
#   `TimeWindows.ofSizeAndGrace(size, grace)`; without a word grace was 24 hours once, which is why it must be said now
#   (KIP-633). Each record gives an updated count; `suppress(untilWindowCloses(...))` gives the final one only. What is
#   too late is counted in the metric `dropped-records-total`: put an alarm on it. A task with several partitions takes
#   the record with the smallest time stamp first, and waits for an empty partition up to `max.task.idle.ms`.
# - **Flink**: watermarks, the latest event time less a bound, the smallest of all inputs; `withIdleness`, since a
#   partition without records would hold all windows open; `allowedLateness`; a side output for what is too late.
# - **faust** has tumbling and hopping windows over tables, with an expiry and without grace.
# - **Late labels** are state: scores per second, times seconds of delay. 1,000 a second and an hour are 3.6 million
#   scores that wait. Many write scores and labels to a table store, and join them there once a day.
# - **Replays of old data** need a topic whose retention allows their time stamps; see above.
#
# Exercises that go on from here: `kv-3` lets a record wait until a table has been read up to the record's own time, and
# not forever; `cs-7` writes results so that one that comes late, or twice, changes nothing.
#
# ## What we have seen

# %%
assert stamps["CreateTime"] == (TIMESTAMP_CREATE_TIME, NOON_MS), "by default: the producer's"
assert stamps["LogAppendTime"][0] == TIMESTAMP_LOG_APPEND_TIME, "a topic may ask for the broker's"
assert stamps["LogAppendTime"][1] != NOON_MS
assert refusal == "INVALID_TIMESTAMP", "the broker takes no record from more than an hour ahead"

by_event, live, replayed = counts.values()
assert by_event == {0: 6, 60: 2, 120: 2, 180: 1}, "event time counts where it happened"
assert live == {0: 3, 60: 4, 120: 3, 180: 1}, "processing time counts where it was read"
assert replayed == {3600: 11}, "and gives something else at each reading"
assert sum(overlapping.values()) == 2 * 11, "a hop of half the size: each record is in two windows"

assert [step.score.happened for step in steps if not step.is_counted] == [30], "30 s saved 12:00:50"
assert [step.closed for step in steps if step.closed] == [[(0, 5)], [(60, 2)]], "two are final"
assert steps[-1].stream_time == 200, "only records move stream time: 12:02 and 12:03 stay open"
dropped = list(dropped_by.values())
assert dropped == sorted(dropped, reverse=True), "more grace, fewer dropped"
assert dropped[0] > dropped[-1] == 0, "none of these is later than five minutes"
assert list(kept.values()) == [5, 8, 8], "several partitions: a watermark, or the oldest first"

assert Counter(pair.scored_by for pair in pairs) == {"forest-onnx": 90, "linear-onnx": 90}
assert all(pair.active == "linear-onnx" for pair in pairs), "by then another model is active"
assert waited["given up"] == 10, "a label that never comes must not be waited for without limit"
now_ms = time.time() * 1000
assert all(abs(each.scored_ts - now_ms) < HOUR_MS for each in results), "scored by today's clock"
assert all(each.record_ts < NOON_MS + 2 * HOUR_MS for each in results), "of January's wines"
