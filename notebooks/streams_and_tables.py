# %% [markdown]
# # Streams and tables
#
# **Question**: when is a record one more event, when does it replace an older one, and what must be true before two
# topics can be joined?
#
# ## The idea
#
# One log, two readings. As a *stream*, each record is one more event, and all of them count. As a *table*, a record
# replaces the one before it with the same key.
#
# ```text
#  the log            read as a stream        read as a table
#  offset 0  alice    1    1          sum 1   alice 1              sum 1
#  offset 1  charlie  1    1 + 1      sum 2   alice 1  charlie 1   sum 2
#  offset 2  alice    3    1 + 1 + 3  sum 5   alice 3  charlie 1   sum 4
# ```
#
# Neither is more true than the other. Payments are a stream: the third one does not undo the first. Account balances
# are a table: the third one does.
#
# ## Run it

# %%
from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from experiments.plots import figure
from notebooks.kit.walk import Walk, wait_until

walk = Walk("streams_and_tables")
NOON_MS = 1_767_614_400_000  # 5 January 2026, 12:00: time stamps are played, each run is the same
MINUTE_MS = 60_000

# %% [markdown]
# What we need of Kafka: to publish, and to read a partition from its beginning to its end. The partitioner is that of
# the Java clients; further down we shall see why it is named.

# %%
producer = walk.producer(partitioner="murmur2_random")


def refused(error: KafkaError | None, _: Message) -> None:
    if error is not None:
        raise KafkaException(error)


def publish(topic: str, records: Iterable[tuple[int, str | None, str | None]]) -> None:
    for minute, key, value in records:  # each is acknowledged before the next one goes
        at_ms = NOON_MS + minute * MINUTE_MS
        producer.produce(topic, value, key, timestamp=at_ms, on_delivery=refused)
        assert producer.flush(10) == 0, "the broker does not answer"


# %%
class Record(NamedTuple):
    """What a walk through a log needs to know of a record."""

    offset: int
    minute: int  # after 12:00, by its time stamp
    key: Any  # a text, or None
    value: Any  # a text, or None: a tombstone


def text(content: bytes | None) -> str | None:
    return None if content is None else content.decode()


def log(topic: str) -> list[Record]:
    records = []
    for message in walk.read(topic):
        minute = (message.timestamp()[1] - NOON_MS) // MINUTE_MS
        key, value = text(message.key()), text(message.value())
        records.append(Record(message.offset() or 0, minute, key, value))
    return records


# %% [markdown]
# ### One log, two readings

# %%
payments = walk.topic("payments", retention_ms="-1")  # it goes by time stamps, and ours are old
publish(payments, [(0, "alice", "1"), (1, "charlie", "1"), (2, "alice", "3")])

as_stream, as_table = [0], [0]
table: dict[str, int] = {}
print("record       as a stream   as a table")
for record in log(payments):
    amount = int(record.value)
    as_stream.append(as_stream[-1] + amount)  # one more event
    table[record.key] = amount  # instead of the one before
    as_table.append(sum(table.values()))
    print(f"{record.key:8} {record.value}   sum {as_stream[-1]}         sum {as_table[-1]}")

# %% [markdown]
# 1, 2, 5 as a stream and 1, 2, 4 as a table.
#
# ### A sum over a table: subtract the old row, add the new one
#
# Nobody adds up a whole table at each change. A server reports how many partitions it serves, and with which model: one
# row per server. How many partitions has each model? When a row is replaced, its old value leaves the sum of its old
# group, and its new value joins that of the new one.

# %%
reports = walk.topic("reports", cleanup_policy="compact")
STEPS = [
    (0, "server-1", "forest 3"),
    (1, "server-1", "forest 2"),
    (2, "server-2", "forest 1"),
    (3, "server-2", "linear 1"),
    (4, "server-1", "linear 2"),
]
publish(reports, STEPS)

rows: dict[str, tuple[str, int]] = {}
per_model: Counter[str] = Counter()
only_added: Counter[str] = Counter()
print("row                 subtract old, add new    only add")
for record in log(reports):
    model, partitions = record.value.split()[0], int(record.value.split()[1])
    if record.key in rows:
        old_model, old_partitions = rows[record.key]
        per_model[old_model] -= old_partitions
    per_model[model] += partitions
    only_added[model] += partitions
    rows[record.key] = (model, partitions)
    sums = [f"forest {each['forest']}, linear {each['linear']}" for each in (per_model, only_added)]
    print(f"{record.key} {record.value}   {sums[0]}       {sums[1]}")

# %% [markdown]
# Three partitions at each step but the second, when the first server has already given one up.
# Who only adds counts a row again each time it changes. Note that subtracting needs the *old* row: who aggregates a
# table must keep it.
#
# ### The changelog of a table, and its compaction
#
# A table lives in the memory or on the disk of one process. What lets it survive is its *changelog*: a topic to which
# each changed row is written. It is a stream of rows; read from the beginning, it gives the table again. A row that was
# replaced is of no use to that, so the topic is *compacted*: a cleaner in the broker removes records to which a newer
# one with the same key exists. Here are two such topics with the same rows; only one of them is told to be quick.

# %%
BALANCES = [
    (0, "alice", "1"), (2, "charlie", "1"), (4, "alice", "3"),
    (6, "bob", "2"), (8, "charlie", "4"), (10, "bob", "5"),
]  # fmt: skip
usual = walk.topic("changelog", cleanup_policy="compact")
quick = walk.topic(
    "quick-changelog",
    cleanup_policy="compact",
    segment_ms="60000",
    min_cleanable_dirty_ratio="0.01",
)
for topic in (usual, quick):
    publish(topic, BALANCES)

# %% [markdown]
# A log is a row of files, its *segments*. The cleaner never touches the last one, which is being written. The broker
# begins a new one after `segment.bytes`, or when a record's time stamp is more than `segment.ms` after the segment's
# first one. What the two topics say:

# %%
from confluent_kafka.admin import ConfigResource  # type: ignore[attr-defined]  # it is public

SETTINGS = ("segment.ms", "segment.bytes", "min.cleanable.dirty.ratio", "delete.retention.ms")
for name, topic in (("usual", usual), ("quick", quick)):
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    config = walk.admin.describe_configs([resource])[resource].result(10)
    for setting in SETTINGS:
        print(f"{name:6} {setting:26} {config[setting].value:>12}")

# %% [markdown]
# A week, or 128 MiB on this project's broker (Kafka's default: 1 GiB): so long the usual topic keeps every row. In the
# quick one each row is in a segment of its own, by its time stamp. The cleaner looks every 15 s
# (`log.cleaner.backoff.ms`). We wait for it, with a limit.

# %%
wait_until(lambda: len(log(quick)) == 4, "the cleaner came by")
before, after = log(usual), {record.offset: record for record in log(quick)}
print("offset  usual       quick")
for record in before:
    kept = f"{record.key} {record.value}" if record.offset in after else "-"
    print(f"{record.offset}       {record.key:8}{record.value}   {kept}")

# %% [markdown]
# `alice 1` and `charlie 1` are gone, and the offsets of the others have not changed: a log may
# have gaps. `bob` is there twice. The newer row is in the last segment, at which the cleaner does not look. So
# compaction promises *at least* the newest row of each key, never exactly one, and a reader takes the last:


# %%
def restored(topic: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for record in log(topic):
        if record.value is None:
            table.pop(record.key, None)  # a tombstone
        else:
            table[record.key] = record.value
    return table


print("usual:", restored(usual), "from", len(log(usual)), "records")
print("quick:", restored(quick), "from", len(log(quick)), "records")

# %% [markdown]
# ### Without a key
#
# A record without a key can replace nothing, and no newer one can replace it. A compacted topic takes none:

# %%
try:
    publish(usual, [(12, None, "7")])
except KafkaException as error:
    refusal = error.args[0].name()
    print("refused:", refusal)

# %% [markdown]
# ### Join a stream with a table
#
# Each tasting looks up its vineyard's row, as it is at that moment. Both are read in the order of their time stamps.

# %%
vineyards = walk.topic("vineyards", cleanup_policy="compact")
tastings = walk.topic("tastings", retention_ms="-1")
publish(vineyards, [(0, "rioja", "Ana"), (4, "rioja", "Bea"), (6, "porto", "Rui")])
TASTED = [
    (1, "rioja", "5.6"),
    (3, "porto", "6.1"),
    (5, "rioja", "7.0"),
    (7, None, "6.6"),
    (8, "porto", "5.9"),
]
publish(tastings, TASTED)


def by_time(*topics: str) -> Iterator[tuple[int, Record]]:
    sides = [[(number, record) for record in log(topic)] for number, topic in enumerate(topics)]
    return merge(*sides, key=lambda each: each[1].minute)


# %%
owners: dict[str, str] = {}
joined = []
for is_tasting, record in by_time(vineyards, tastings):
    if not is_tasting:
        owners[record.key] = record.value
        print(f"12:{record.minute:02}  row      {record.key} belongs to {record.value}")
        continue
    owner = owners.get(record.key)
    joined.append((record.key, record.value, owner))
    tasting = f"{record.key or '(no key)':8} {record.value}"
    print(f"12:{record.minute:02}  tasting  {tasting}  ->  {owner or 'no row'}")

# %% [markdown]
# The first rioja is Ana's and the second one Bea's. The row for porto comes after its first
# tasting, and nothing happens: only the stream's side triggers a result. Who joins a table that lags gets "no row",
# or last week's row, and no error. And a record without a key has no row, ever.
#
# ### Join two streams within a window
#
# Two models score the same wines, and we want each wine's two scores side by side. Both sides are streams: whoever is
# first waits for the other one, in memory, but not without limit. The window says how far apart the two may be.

# %%
forest = walk.topic("forest-scores", retention_ms="-1")
linear = walk.topic("linear-scores", retention_ms="-1")
publish(forest, [(0, "wine-1", "5.6"), (2, "wine-2", "6.0"), (9, "wine-3", "5.1")])
publish(linear, [(1, "wine-1", "5.9"), (4, "wine-3", "5.0"), (20, "wine-2", "6.4")])


def windowed_join(left: str, right: str, within: int) -> Iterator[tuple[int, str, str, str]]:
    waiting: tuple[list[Record], list[Record]] = ([], [])
    for side, record in by_time(left, right):
        for kept in waiting:  # what is older has waited in vain
            kept[:] = [old for old in kept if record.minute - old.minute <= within]
        for other in waiting[1 - side]:
            if other.key == record.key:
                pair = (other, record) if side else (record, other)
                yield record.minute, record.key, pair[0].value, pair[1].value
        waiting[side].append(record)


# %%
print("at     wine    forest  linear")
for minute, wine, left, right in windowed_join(forest, linear, within=10):
    print(f"12:{minute:02}  {wine}     {left}     {right}")

# %% [markdown]
# Two pairs, of wine-1 and of wine-3, each when its second score comes. The two scores of wine-2 are 18 minutes apart:
# no pair.
#
# ### Co-partitioning
#
# Until now each topic had one partition. With several, they are shared out: the task that gets partition 2 of one topic
# gets partition 2 of the other, and sees nothing else. So a key must have the *same partition number in both*. That
# number is `hash(key) % partitions`, computed by the producer. Two things must be equal, then: the number of
# partitions, and the hash. The Java clients hash with murmur2. librdkafka, and so `confluent_kafka`, hashes with CRC32,
# unless it is told otherwise.


# %%
def places(name: str, partitions: int, producer: Producer, keys: Iterable[str]) -> dict[str, int]:
    """Publish one record per key; in which partition the broker has put it."""
    topic = walk.topic(name, partitions, retention_ms="-1")
    found: dict[str, int] = {}

    def delivered(error: KafkaError | None, message: Message) -> None:
        refused(error, message)
        found[text(message.key()) or ""] = message.partition() or 0

    for key in keys:
        producer.produce(topic, "a row", key, on_delivery=delivered)
    assert producer.flush(30) == 0, "the broker does not answer"
    return found


# %%
by_default = walk.producer()  # librdkafka's partitioner
keys = ["alba", "barolo", "cahors", "douro", "graves", "porto", "rioja", "wachau"]
stream = places("stream", 3, producer, keys)
tables = {
    "3 partitions": places("table-3", 3, producer, keys),
    "4 partitions": places("table-4", 4, producer, keys),
    "3, by CRC32": places("table-crc32", 3, by_default, keys),
}
print("          the stream has   the table has")
print("          3 partitions     " + "  ".join(f"{name:12}" for name in tables).rstrip())
for key in keys:
    numbers = [place[key] for place in tables.values()]
    cells = [f"{number}" if number == stream[key] else f"{number} missed" for number in numbers]
    print(f"{key:10}{stream[key]:<17}" + "  ".join(f"{cell:12}" for cell in cells).rstrip())

# %% [markdown]
# With three partitions on both sides and the same hash every tasting finds its row. With four
# partitions, or with the other hash, most miss theirs, and some find it by chance. No error says so. That is why it is
# seldom noticed at once: the join "mostly works". How many of 300 keys find their row:

# %%
many = [f"vineyard-{number}" for number in range(300)]
stream = places("stream-many", 3, producer, many)
tables = {
    "3 partitions": places("many-3", 3, producer, many),
    "6 partitions": places("many-6", 6, producer, many),
    "4 partitions": places("many-4", 4, producer, many),
    "3 partitions,\nhashed by CRC32": places("many-crc32", 3, by_default, many),
}
found = {}
for name, place in tables.items():
    found[name] = sum(place[key] == stream[key] for key in many) / len(many)
_, axes = figure(
    "A stream with 3 partitions, joined with a table",
    "the table's topic has",
    "keys that find their row",
)
axes.bar(list(found), list(found.values()), width=0.6)
axes.set_ylim(0, 1.15)
axes.yaxis.set_major_formatter("{x:.0%}")
for number, share in enumerate(found.values()):
    axes.text(number, share + 0.03, f"{share:.0%}", ha="center")

# %% [markdown]
# ## What you should see
#
# - The same log gives 1, 2, 5 as a stream, and 1, 2, 4 as a table.
# - Compaction removes replaced rows, though never from the last segment. The table that is restored stays the same.
# - A record of a stream gets the row of its moment; two streams find each other within a window.
# - All keys find their row if both topics have equally many partitions and the same hash. With 6 partitions 47 % do,
#   with 4 partitions 23 %, with another hash 32 %. Nothing raises an error.
#
# ## Try this
#
# 1. Delete a row: `publish(usual, [(12, "alice", None)])`, then `print(restored(usual))`. Alice is gone from the table,
#    while her old rows and the tombstone are still in the log: `log(usual)` has 7 records.

# %% tags=["try-this"]
publish(usual, [(12, "alice", None)])
assert restored(usual) == {"charlie": "4", "bob": "5"}
assert len(log(usual)) == 7

# %% [markdown]
# 2. Join the two streams with `within=20`. Now wine-2 has its pair, too, at 12:20. The price is memory: every score
#    is kept for 20 minutes.

# %% tags=["try-this"]
assert list(windowed_join(forest, linear, within=20))[-1] == (20, "wine-2", "6.0", "6.4")

# %% [markdown]
# 3. Mend the table with four partitions, as engines do, by a *repartition topic*: publish its keys again, into a topic
#    with 3 partitions: `mended = places("repartitioned", 3, producer, tables["4 partitions"])`. Then compare:
#    `mended == stream` is True.

# %% tags=["try-this"]
mended = places("repartitioned", 3, producer, tables["4 partitions"])
assert mended == stream

# %% [markdown]
# ## What production does
#
# - **Kafka Streams** has both readings as types, `KStream` and `KTable`; aggregating a grouped table takes an *adder*
#   and a *subtractor*. It creates changelogs compacted. Before it processes a record it compares the partition counts,
#   and throws a `TopologyException` where they differ; which hash a producer has used it cannot know. `repartition()`
#   is the remedy, and a `GlobalKTable`, of which every instance has all partitions, needs no co-partitioning. (Kafka
#   documentation, "Streams DSL".)
# - **Null keys**: inner joins and aggregations drop such records; left joins keep them since 3.7 (KIP-962).
# - **faust**, which three of our variants use, has tables with changelogs; its stream joins raise `NotImplementedError`
#   (0.15.3). Others write such joins as we did here, with the state in a table.
# - **Compaction** with the defaults does nothing for a week on a quiet topic: set `segment.ms`, as
#   [serving/settings/topics.py](../serving/settings/topics.py) does for models and changelogs. Since Kafka 4.0
#   `segment.bytes` is 1 MB or more (KIP-1030). A tombstone is kept for `delete.retention.ms`, 24 hours, so that a
#   reader who is late by less sees it. (Kafka documentation, "Topic Configs".)
# - **Partition counts are for good**: add partitions to a topic, and its keys move, while the old records stay.
#   Our producers name the Java clients' partitioner ([client/provider/publisher.py](../client/provider/publisher.py)).
#
# Exercises that go on from here: `kv-1` and `kv-2` write a table's rows and their changelog, `co-1` and `co-2` store
# and restore them by partition, `kv-3` joins with a table that lags.
#
# ## What we have seen

# %%
from zlib import crc32

from aiokafka.partitioner import murmur2  # the Java clients' hash, by another library

assert as_stream[1:] == [1, 2, 5], "as a stream each record is one more event"
assert as_table[1:] == [1, 2, 4], "as a table a record replaces the one before with its key"
assert +per_model == {"linear": 3}, "subtract old, add new: each partition is counted once"
assert only_added == {"forest": 6, "linear": 3}, "who only adds counts rows that are replaced"

assert sorted(after) == [2, 3, 4, 5], "replaced rows go, offsets stay, the last segment too"
assert restored(quick) == {"alice": "3", "bob": "5", "charlie": "4"}, "it gives the same table"
assert refusal == "INVALID_RECORD", "a compacted topic takes no record without a key"

owners_found = [owner for _, _, owner in joined]
assert owners_found == ["Ana", None, "Bea", None, "Rui"], "a row that comes later changes nothing"
wines = [wine for _, wine, _, _ in windowed_join(forest, linear, within=10)]
assert wines == ["wine-1", "wine-3"], "within the window there is a pair, outside there is none"

by_crc32 = tables["3 partitions,\nhashed by CRC32"]
assert all(stream[key] == (murmur2(key.encode()) & 0x7FFFFFFF) % 3 for key in many), "Java's"
assert all(by_crc32[key] == crc32(key.encode()) % 3 for key in many), "librdkafka's own"
shares = [round(share, 2) for share in found.values()]
assert shares == [1, 0.47, 0.23, 0.32], "co-partitioned: every key finds its row; else it is chance"
