# %% [markdown]
# # Event sourcing, and patterns of events
#
# **Question**: if a server writes down only what happened, can it become what it was, to the last digit, after a
# `kill -9`?
#
# ## The idea
#
# A counter forgets how it came about. A journal does not: each event is written before the state changes, and the
# state is what all events come to, one after the other. A snapshot is the result up to some event; then only the rest
# is replayed.
#
# ```text
#   what happens              the journal                        what it comes to
#   a wine, no model    -->      1  batch_scored    skipped 1    skipped 1
#   a model arrives     -->      2  model_accepted  linear       skipped 1, linear, scored 0
#   a wine is scored    -->      3  batch_scored    scored 1     skipped 1, linear, scored 1
#                                :
#                             1000  snapshot: all of that in one row; events 1 to 1000 are deleted
# ```
#
# `actors_persistent` does this in one SQLite file. We look into it with plain `sqlite3`.
#
# ## Run it
#
# A real server, and nine things that happen to it. With `--max-batch 1` each wine is a batch, and an event, of its
# own.

# %%
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from heapq import merge
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from client.provider.shipped_models import shipped_models
from client.wines.source import GeneratedWines
from experiments.plots import PALETTE, figure
from experiments.scene import wines
from notebooks.kit.walk import Walk

# %%
walk = Walk("event_sourcing")
scene = walk.scene("actors_persistent", ["--max-batch", "1"])
models = {model.name: model for model in shipped_models()}
source = GeneratedWines(seed=17)

scene.server.start()
scene.server.wait_until_ready()
for what in ("wine", "wine", "linear-onnx", "wine", "wine", "wine", "forest-onnx", "wine", "wine"):
    if what == "wine":
        scene.publish_wines(wines(source, 1))
        scene.wait_until_drained()
    else:
        scene.activate(models[what])

# %% [markdown]
# ### What was written


# %%
class Event(NamedTuple):
    """A row of the journal."""

    sequence: int
    kind: str
    model: str | None
    scored: int
    skipped: int


def look(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as journal:
        return journal.execute(query).fetchall()


# %%
EVENTS = "SELECT sequence, kind, model, ifnull(scored, 0), ifnull(skipped, 0) FROM events ORDER BY sequence"
journal = next(scene.server.data_dir.rglob("journal.sqlite3"))
events = [Event(*row) for row in look(journal, EVENTS)]
print(f"{'':3}{'kind':16}{'model':13}scored  skipped")
for event in events:
    print(f"{event.sequence:<3}{event.kind:16}{event.model or '':13}{event.scored:6}{event.skipped:9}")

# %% [markdown]
# ### What it comes to
#
# A state is the state before it, and one event. That is all of event sourcing:


# %%
class State(NamedTuple):
    """What the events come to."""

    model: str | None = None
    scored: int = 0  # by this model
    skipped: int = 0


def after(state: State, event: Event) -> State:
    if event.kind == "model_accepted":
        return state._replace(model=event.model, scored=0)
    return state._replace(scored=state.scored + event.scored, skipped=state.skipped + event.skipped)


# %%
states = list(accumulate(events, after, initial=State()))
for number, state in enumerate(states):
    print(f"after {number}: {state.model or 'no model':12} scored {state.scored}, skipped {state.skipped}")

# %% [markdown]
# The server itself was never asked. It says the same:

# %%
answer = scene.server.get("/state/wine")
print(f"server:  {answer['name']:12} scored {answer['usage']}, skipped {answer['skipped']}")
assert State(answer["name"], answer["usage"], answer["skipped"]) == states[-1]

# %% [markdown]
# The server keeps more than we folded: how long the scoring took, a sum of floating-point numbers. Its own recovery,
# on a copy of the file, must give even these to the last bit.

# %%
from actors_persistent.journal.journal import Journal
from actors_persistent.journal.journal_file import NAME, JournalFile


def copy_of(path: Path, name: str) -> Path:
    (walk.home / name).mkdir()
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(walk.home / name / NAME)) as copy:
        live.backup(copy)
    return walk.home / name


file = JournalFile(copy_of(journal, "copy"), fsync=False)
file.open()
counters = Journal(file, "wine").recover().counters
file.close()
for name in ("usage", "skipped", "duration", "min", "max"):
    mine = getattr(counters, name if name in ("usage", "skipped") else f"{name}_ms")
    print(f"{name:9} replayed and served are {'the same' if mine == answer[name] else 'NOT the same'}")
    assert mine == answer[name]

# %% [markdown]
# ### A question that nobody had thought of
#
# The state counts for the active model only; what `linear-onnx` did is forgotten there. The events know it still:

# %%
scored_by: Counter[str] = Counter()
for state, event in zip(states, events, strict=False):
    scored_by[state.model or "no model"] += event.scored + event.skipped
for model, count in scored_by.items():
    print(f"{model:12} {count} wines")

# %% [markdown]
# ## `kill -9` in between
#
# 900 more wines, and the server is killed after a few hundred. Three places remember how far it was. Their order is
# the whole guarantee: the journal first, then the scores, and only then the commit.

# %% tags=["measured"]
scene.server.freeze()  # so that all wines are there when it starts on them
scene.publish_wines(wines(source, 900))
scene.server.thaw()
scene.server.wait_until(lambda: scene.observer.scores() > 300, "300 wines were scored")
scene.server.kill()

counted = round(look(journal, "SELECT total(scored + skipped) FROM events")[0][0])
sent = 2 + scene.observer.scores()  # two wines were skipped, and have no score
committed = sum(scene.observer.committed(scene.server.group).values())
print(f"counted in the journal {counted:4} wines")
print(f"scores in Kafka        {sent:4}")
print(f"offsets committed      {committed:4}")
assert 7 <= committed <= sent <= counted <= 7 + 900

# %% [markdown]
# The new process replays the journal before it reads a single wine. Wines that were scored and not committed are
# delivered again; each event says up to which offset it counted, so they are scored again and not counted again. 300
# wines more, and we count:

# %%
scene.server.start()
scene.publish_wines(wines(source, 300))
scene.wait_until_drained()
answer = scene.server.get("/state/wine")
print(f"published for {answer['name']}: {2 + 900 + 300:,}, counted: {answer['usage']:,}")

# %% tags=["measured"]
times = scene.observer.scored_since(dict.fromkeys(range(3), 0))
again = sum(times.values()) - len(times)
print(f"scored: {len(times):,} records; twice: {again}; counted twice: {answer['usage'] - 1_202}")
assert len(times) == 3 + 1_202 and 0 <= again <= 900

# %% [markdown]
# Every wine and each model was an event, so 1,209 were written. The journal has not grown with its history: at event
# 1,000 a snapshot took their place.

# %%
((upto, usage, skipped),) = look(journal, "SELECT sequence, usage, skipped FROM snapshots")
((first, last, since),) = look(journal, "SELECT min(sequence), max(sequence), count(*) FROM events")
print(f"snapshot up to event {upto:,}: scored {usage}, skipped {skipped}")
print(f"events {first:,} to {last:,}: {since} rows")
scene.server.stop()

# %% [markdown]
# ## Complex events: an alarm that no single event could raise
#
# A poor score is no alarm: there are poor wines. A new model is none either. But *three poor scores within 10 s, and
# a new model at most 15 s before the last of them*: that is probably the model. Scores and models come from two
# topics, and Kafka keeps no order across topics. So each record carries its event time, and we merge by that.

# %%
import numpy as np
from matplotlib import pyplot

quality = np.random.default_rng(17).normal(5.6, 0.3, 100).round(2)  # one wine a second
quality[[12, 15]] = 4.2, 4.1  # two poor ones after the first swap
quality[50:55] = 4.3  # a poor delivery, and no swap near it
quality[72:] -= 1.4  # from here on a bad model scores
scores_topic = walk.topic("scores", retention_ms="-1")  # event times of long ago: no retention by time
swaps_topic = walk.topic("swaps", retention_ms="-1")
producer = walk.producer(enable_idempotence=True)
for second in [*range(16), 15, *range(16, 100)]:  # wine 15 is delivered twice
    value = json.dumps({"wine": second, "quality": quality[second]})
    producer.produce(scores_topic, value, timestamp=(second + 1) * 1_000)
for second, model in ((10, "forest-v2"), (70, "forest-v3")):
    producer.produce(swaps_topic, model, timestamp=(second + 1) * 1_000)
assert producer.flush(10) == 0
print(f"{len(walk.read(scores_topic))} scores and {len(walk.read(swaps_topic))} swaps, in two topics")


# %%
class Seen(NamedTuple):
    """A score, or a swap."""

    at_s: float  # event time
    quality: float | None  # None: a model was activated
    name: str  # of the wine, or of the model


def scores() -> Iterable[Seen]:
    for message in walk.read(scores_topic):
        score = json.loads(message.value() or b"")
        yield Seen(message.timestamp()[1] / 1_000, score["quality"], f"wine-{score['wine']}")


def swaps() -> Iterable[Seen]:
    for message in walk.read(swaps_topic):
        yield Seen(message.timestamp()[1] / 1_000, None, (message.value() or b"").decode())


seen = list(merge(scores(), swaps(), key=lambda each: each.at_s))
for each in seen[9:13]:
    print(f"{each.at_s:g} s  {each.name:10} {'a swap' if each.quality is None else each.quality}")


# %% [markdown]
# The pattern is a state and a fold again. A wine that is delivered twice must not count twice: the poor ones are a
# set. And a swap that has raised its alarm raises no other.


# %%
class Watch(NamedTuple):
    """What of the past the pattern still needs."""

    swap: Seen | None = None
    poor: frozenset[Seen] = frozenset()  # of the last 10 s
    raised: bool = False  # for this swap


def watched(watch: Watch, now: Seen) -> Watch:
    if now.quality is None:
        return Watch(now)
    poor = {each for each in watch.poor if each.at_s > now.at_s - 10}
    if now.quality < 4.5:
        poor.add(now)
    suspect = watch.swap is not None and now.at_s - watch.swap.at_s <= 15
    return watch._replace(poor=frozenset(poor), raised=watch.raised or (suspect and len(poor) >= 3))


# %%
def alarms(stream: list[Seen]) -> list[tuple[Seen, str]]:
    """The score that raised it, and the model: each time that a watch becomes raised."""
    steps = pairwise(accumulate(stream, watched, initial=Watch()))
    return [
        (now, new.swap.name)
        for now, (old, new) in zip(stream, steps, strict=True)
        if new.swap and new.raised > old.raised
    ]


raised = alarms(seen)
for third, model in raised:
    print(f"ALARM at {third.at_s:g} s: suspect {model}; third poor score: {third.quality:g}, {third.name}")

# %%
drawn, axes = figure("Three poor scores and a new model: one alarm", "event time, s", "score")
good = [(each.at_s, each.quality) for each in seen if each.quality is not None and each.quality >= 4.5]
poor = [(each.at_s, each.quality) for each in seen if each.quality is not None and each.quality < 4.5]
axes.scatter(*zip(*good, strict=True), s=14, color=PALETTE[0], label="score")
axes.scatter(*zip(*poor, strict=True), s=22, color=PALETTE[1], marker="v", label="poor score")
axes.axhline(4.5, color="0.5", linewidth=1)
for swap in (each for each in seen if each.quality is None):
    axes.axvline(swap.at_s, color=PALETTE[2], linestyle="--")
    axes.annotate(f" {swap.name}", (swap.at_s, 6.6), color=PALETTE[2])
axes.scatter([raised[0][0].at_s], [3.3], marker="*", s=160, color="black", label="alarm")
axes.set(ylim=(3.1, 6.9))
drawn.legend(ncols=3, loc="outside lower center")
pyplot.show()

# %% [markdown]
# ### Killed, and still one alarm
#
# The watcher is killed right after it has raised the alarm, before it could write down how far it was. The next one
# replays both topics from the beginning, and raises it again. That is one alarm all the same, because its key says
# what it is about.

# %%
alarms_topic = walk.topic("alarms", cleanup_policy="compact")
for life in (seen[:90], seen):  # the first one is killed in between
    for third, model in alarms(life):
        producer.produce(alarms_topic, f"since {third.at_s:g} s", key=model)
assert producer.flush(10) == 0
records = walk.read(alarms_topic)
by_key = {message.key(): message.value() for message in records}
print(f"{len(records)} records, {len(by_key)} alarm: {', '.join(key.decode() for key in by_key if key)}")

# %% [markdown]
# ## What you should see
#
# - The journal's nine rows come to what the server says of itself, the sums of its times to the last bit.
# - At the kill the journal is ahead of the scores, the scores are ahead of the commit, never the other way round.
#   Nothing is lost, some scores are sent twice, and none is counted twice.
# - Two poor wines and a duplicate after a swap: no alarm. Five poor wines without a swap: no alarm. A swap and three
#   poor wines: one alarm, also after a replay.
#
# ## Try this
#
# **1.** In `after`, leave out the two lines for `model_accepted`. The fold then says 5 where the server says 2: an
# event means what the fold makes of it, so a change of the fold rewrites history.


# %% tags=["try-this"]
def careless(state: State, event: Event) -> State:
    return state._replace(scored=state.scored + event.scored, skipped=state.skipped + event.skipped)


wrong: list[State] = list(accumulate(events, careless, initial=State()))
assert (wrong[-1].scored, states[-1].scored) == (5, 2)

# %% [markdown]
# **2.** Delete one event in a copy of the journal, and recover from it:
#
# ```python
# damaged = copy_of(journal, "damaged")
# with sqlite3.connect(damaged / NAME) as connection:
#     connection.execute("DELETE FROM events WHERE sequence = 1100")
# file = JournalFile(damaged, fsync=False)
# file.open()
# Journal(file, "wine").recover()
# ```
#
# It raises `DataTypeCorrupt`, `event 1101 follows event 1099`: an error, where a wrong counter would be seen by
# nobody.

# %% tags=["try-this"]
from actors_persistent.errors import DataTypeCorrupt

damaged = copy_of(journal, "damaged")
with closing(sqlite3.connect(damaged / NAME)) as connection, connection:
    connection.execute("DELETE FROM events WHERE sequence = 1100")
file = JournalFile(damaged, fsync=False)
file.open()
try:
    Journal(file, "wine").recover()
    refused = ""
except DataTypeCorrupt as error:
    refused = str(error)
file.close()
assert "event 1101 follows event 1099" in refused

# %% [markdown]
# **3.** Take the records as they may arrive, all scores first, then the swaps: `alarms([*scores(), *swaps()])`. There
# is no alarm at all, because at each poor score no swap has been heard of yet.

# %% tags=["try-this"]
assert alarms([*scores(), *swaps()]) == []

# %% [markdown]
# **4.** In `scores`, name a wine by its delivery: `f"offset {message.offset()}"` in place of
# `f"wine-{score['wine']}"`. There are two alarms, and the first is false: for `forest-v2`, of two poor wines one of
# which came twice. What identifies a record must come from its source.

# %% tags=["try-this"]
deliveries = [
    score._replace(name=f"offset {message.offset()}")
    for score, message in zip(scores(), walk.read(scores_topic), strict=True)
]
false = alarms(list(merge(deliveries, swaps(), key=lambda each: each.at_s)))
assert [model for _, model in false] == ["forest-v2", "forest-v3"]

# %% [markdown]
# ## What production does
#
# - Akka and Pekko Persistence recover an actor as here: the newest snapshot, then the later events, and no command
#   before that is done (documentation, "Event Sourcing" and "Snapshotting"). Kafka Streams keeps states, not events:
#   a store's changelog topic holds the newest value of each key, and is compacted (documentation, "Kafka Streams
#   Architecture").
# - We delete events at a snapshot: it bounds the file and the replay, and it gives up the questions of later. Who
#   needs those keeps the events elsewhere, in a topic with a long retention for one; then personal data in them has
#   to be thought of.
# - For patterns there are engines. Flink's CEP library has `times`, `within` and `AfterMatchSkipStrategy`
#   (documentation, "FlinkCEP"); SQL has `MATCH_RECOGNIZE` (ISO/IEC 19075-5). Both wait for watermarks, as one topic
#   may lag behind the other; our `merge` reads topics that have ended, and a live one has to wait likewise.
# - An alarm that somebody is called for at night has a key, and a second one with that key is the same alarm
#   (`dedup_key` in PagerDuty's Events API v2).
#
# Exercises that fit: `ac-4` (recover from snapshot and events, gaps included), `kc-1` (counters that do not count
# twice), `kv-3` (a join whose other side lags), `cs-7` (a sink for which a second delivery changes nothing).
#
# ## What we have seen

# %%
assert states[-1] == ("forest-onnx", 2, 2), "nine events come to the state that the server had"
assert counters.usage == 2 and counters.skipped == 2, "so does the server's own recovery"
assert answer["usage"] == 2 + 1_200, "after a kill -9 each record is counted once"
assert (upto, last, since) == (1_000, 1_209, 209), "an event per wine; a snapshot for 1,000 of them"

assert [model for _, model in raised] == ["forest-v3"], "one alarm, for the bad model"
assert (len(records), len(by_key)) == (2, 1), "two deliveries of the alarm, and one alarm"
