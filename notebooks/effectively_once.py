# %% [markdown]
# # Effectively once
#
# **Question**: a producer sends a record and hears nothing. Is the record in the log? And who makes sure that it
# counts once?
#
# ## The idea
#
# Two different events look the same to the producer:
#
# ```text
# the request was lost                    the acknowledgement was lost
#
# producer ──record──✗   broker           producer ──record────▶ broker   it is in the log
# producer ··silence··   broker           producer   ✗──"ok"──── broker
# producer ──again─────▶ broker           producer ──again─────▶ broker   is it there twice?
# ```
#
# "Exactly once" over a network that loses messages is therefore two things: *send at least once*, and *recognise what
# is already there*. Kafka recognises retries of one producer (idempotence) and decides groups of records together
# (transactions). What it cannot see, your sink has to recognise.
#
# ## Run it
#
# ### The acknowledgement that got lost
#
# `LossyProxy` is a TCP proxy of less than 100 lines ([kit/proxy.py](kit/proxy.py)). It passes the first produce
# request on to a real broker, swallows the answer, and closes the connection. After that it only passes on.

# %%
import itertools
import random
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from custom_stage.extensions.idempotent_sink import ResultTable
from experiments.plots import figure
from notebooks.kit.proxy import LossyProxy
from notebooks.kit.walk import Walk
from protobufs.serving_result_pb2 import ServingResult

walk = Walk("effectively_once")


# %%
def records_of(topic: str, level: str = "read_committed") -> str:
    """A line for each record that a reader with this isolation level sees."""
    seen = walk.read(topic, isolation_level=level)
    return "\n".join(f"  offset {each.offset()}: {text(each.key())} = {text(each.value())}" for each in seen)


def text(data: bytes | None) -> str:
    return (data or b"").decode()


# %%
def send_one_wine(topic: str, **settings: object) -> str:
    """What the producer is told of one record, when its first acknowledgement is lost."""
    told: list[str] = []

    def report(error: KafkaError | None, record: Message) -> None:
        told.append(error.name() if error else f"stored at offset {record.offset()}")

    with LossyProxy(walk.bootstrap_servers) as proxy:
        producer = walk.producer(bootstrap_servers=proxy.bootstrap_servers, **settings)
        producer.produce(topic, b"7.5", b"wine-1", on_delivery=report)
        producer.flush(30)
        return f"produce requests: {proxy.produce_requests}; the producer is told: {told[0]}"


# %% [markdown]
# One call of `produce`, the client's default settings:

# %%
doubled = walk.topic("doubled")
told = send_one_wine(doubled)
print(told, records_of(doubled), sep="\n")

# %% [markdown]
# The client resent by itself, as it should: without that, a request that was lost would be a record that is lost. Now
# with `enable.idempotence`: the broker gives the producer an id, and the producer numbers its batches.

# %%
single = walk.topic("single")
told_idempotent = send_one_wine(single, enable_idempotence=True)
print(told_idempotent, records_of(single), sep="\n")

# %% [markdown]
# Again two requests. The broker had seen this sequence number of this producer id, stored nothing, and answered with
# the offset of the first attempt.
#
# An id lasts as long as its producer. When a *program* is not sure and starts again, it gets another id, and nothing
# is recognised:

# %%
for _life in ("before the crash", "after it"):
    producer = walk.producer(enable_idempotence=True)
    producer.produce(single, b"7.5", b"wine-1")
    producer.flush(30)
print(records_of(single))

# %% [markdown]
# ### Transactions: all or nothing, for readers who ask for it
#
# A `transactional.id` is a name that outlives the producer. Records of an aborted transaction stay in the log; a
# reader with `isolation.level=read_committed` skips them.

# %%
log = walk.topic("transactions")
producer = walk.producer(transactional_id=log)
producer.init_transactions(30)
for key, ending in (("wine-1", "commit"), ("wine-2", "abort"), ("wine-3", "commit")):
    producer.begin_transaction()
    producer.produce(log, b"7.5", key)
    producer.flush(30)
    producer.commit_transaction(30) if ending == "commit" else producer.abort_transaction(30)

committed = {record.offset() for record in walk.read(log, isolation_level="read_committed")}
everything = walk.read(log, isolation_level="read_uncommitted")
for record in everything:
    seen = "seen" if record.offset() in committed else "skipped"
    print(f"offset {record.offset()}  {text(record.key())}   read_uncommitted: seen   read_committed: {seen}")

# %% [markdown]
# Offsets 1, 3 and 5 are missing: they are the markers "commit", "abort", "commit". An offset is a position, not a
# count.
#
# A transaction that is *open* has a price for everybody: `read_committed` reads no further than its first record,
# also not the records of others.

# %%
producer.begin_transaction()
producer.produce(log, b"7.5", b"wine-4")
producer.flush(30)
other = walk.producer()
other.produce(log, b"6.0", b"of somebody else")
other.flush(30)
print(f"while it is open: {len(walk.read(log)) - len(committed)} more records")
producer.commit_transaction(30)
print(f"decided:          {len(walk.read(log)) - len(committed)} more records")

# %% [markdown]
# ### Read, score, write: offsets belong to the transaction
#
# A server that scores reads from one topic and writes to another. What it has read is a record, too: the group's
# offset in an internal topic. Both in one transaction, and a crash leaves both or neither.

# %%
wines, scores = walk.topic("wines"), walk.topic("scores")
filling = walk.producer()
for number in (1, 2, 3):
    filling.produce(wines, f"{9 + number}", f"wine-{number}")
filling.flush(30)


def pass_on(batch: Sequence[Message], consumer: Consumer, producer: Producer, sink: str) -> None:
    """A transaction, not committed yet: the records, and how far the group has read."""
    producer.begin_transaction()
    for record in batch:
        producer.produce(sink, record.value(), record.key())
    offsets = consumer.position(consumer.assignment())
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
    producer.flush(30)


# %% [markdown]
# The first instance passes all three on and dies before its commit. (It leaves its group in order, so that we need
# not wait for the session timeout.) A second one comes with the *same* transactional id.


# %%
def started() -> tuple[Consumer, Producer]:
    consumer, producer = walk.consumer("scoring"), walk.producer(transactional_id=scores)
    consumer.subscribe([wines])
    producer.init_transactions(30)  # aborts what an earlier producer with this id has left open
    return consumer, producer


consumer, dead = started()
pass_on(consumer.consume(3, timeout=30), consumer, dead, scores)
consumer.close()

consumer, producer = started()
batch = consumer.consume(3, timeout=30)
print("the second instance reads from offset", batch[0].offset())
pass_on(batch, consumer, producer, scores)
producer.commit_transaction(30)
print(records_of(scores))

# %% [markdown]
# Offsets 0 to 3 are the first attempt, and the marker that aborted it.
#
# And if the first one was not dead, but only stood still for a while? Its id belongs to the second now, and Kafka
# fences it:

# %%
try:
    dead.commit_transaction(30)
    fenced = "no"
except KafkaException as error:
    fenced = error.args[0].name()
print(f"the first instance commits late: {fenced}")

# %% [markdown]
# ### A sink outside Kafka
#
# A database takes no part in Kafka's transactions. It can do better: recognise. `ResultTable` (exercise `cs-7`) keeps
# one row per record id and, in the same database transaction, the offset up to which it has read. We give it the
# topic in which `wine-1` is stored twice, and we deliver that twice, too.

# %%
table = ResultTable(walk.home / "results.db")
for _delivery in ("first", "second"):
    results = [
        ServingResult(record_id=text(each.key()), value=float(text(each.value())), source_offset=each.offset())
        for each in walk.read(doubled)
    ]
    table.write(results, {0: 2})
    rows = sqlite3.connect(walk.home / "results.db").execute("SELECT record_id, value FROM results").fetchall()
    print(f"delivered {len(results)} results; rows: {rows}; continue at offset {table.next_offset(0)}")

# %% [markdown]
# ### What it costs: latency, at each hop
#
# `read_committed` sees a record when its transaction is committed. Engines commit at an interval, and what one hop
# has not committed, the next cannot read: the waits add up. A hop is a loop:


# %%
def transactional(interval_s: float, source: str, sink: str, ended: threading.Event) -> None:
    """Pass on what comes in ``interval_s`` in one transaction."""
    consumer, producer = walk.consumer(sink), walk.producer(transactional_id=sink)
    consumer.subscribe([source])
    producer.init_transactions(30)
    while not ended.is_set():
        if batch := consumer.consume(1_000, timeout=interval_s):
            pass_on(batch, consumer, producer, sink)
            producer.commit_transaction(30)
    consumer.close()


# %%
def plain(source: str, sink: str, ended: threading.Event) -> None:
    """Pass each record on at once, and commit its offset behind it: at-least-once."""
    consumer, producer = walk.consumer(sink), walk.producer()
    consumer.subscribe([source])
    while not ended.is_set():
        for record in consumer.consume(1, timeout=0.1):
            producer.produce(sink, record.value())
            producer.flush(30)
            consumer.commit(message=record, asynchronous=False)
    consumer.close()


# %% [markdown]
# Three hops in a row, and one reader of all three sinks. Each record is the moment at which it was sent.

# %%
HOPS, RECORDS, GAP_S, LIMIT_S = 3, 30, 0.1, 60.0


def latencies_ms(topics: Sequence[str]) -> list[list[float]]:
    """Send records at random times; how long each took to come out of each topic but the first."""
    producer, reader, gaps = walk.producer(linger_ms=0), walk.consumer("reader"), random.Random(0)
    reader.assign([TopicPartition(topic, 0, 0) for topic in topics[1:]])
    took: dict[str, list[float]] = {topic: [] for topic in topics[1:]}
    sent, due_s, deadline_s = 0, 0.0, time.monotonic() + LIMIT_S
    while min(map(len, took.values())) < RECORDS and time.monotonic() < deadline_s:
        if sent < RECORDS and time.monotonic() > due_s and (sent == 0 or all(took.values())):
            producer.produce(topics[0], str(time.monotonic()))
            sent, due_s = sent + 1, time.monotonic() + gaps.uniform(0, 2 * GAP_S)
        for record in filter(None, [reader.poll(0.001)]):
            took[record.topic() or ""].append(1000 * (time.monotonic() - float(record.value() or 0)))
    return [each[1:] for each in took.values()]  # the first record waited for the hops to start


# %%
def measured(hop: Callable[[str, str, threading.Event], None], name: str) -> list[list[float]]:
    topics = [walk.topic(f"{name}-{number}") for number in range(HOPS + 1)]
    ended = threading.Event()
    with ThreadPoolExecutor(HOPS) as pool:
        hops = [pool.submit(hop, *pair, ended) for pair in itertools.pairwise(topics)]
        try:
            return latencies_ms(topics)
        finally:
            ended.set()
            for each in hops:
                each.result(LIMIT_S)


# %% tags=["measured"]
took = {
    "no transactions": measured(plain, "plain"),
    "a commit each 10 ms": measured(partial(transactional, 0.01), "interval-10"),
    "a commit each 100 ms": measured(partial(transactional, 0.1), "interval-100"),
    "a commit each 400 ms": measured(partial(transactional, 0.4), "interval-400"),
}
medians = {name: [statistics.median(each) for each in hops] for name, hops in took.items()}
print(f"{'median, ms':<22}{'1 hop':>8}{'2 hops':>8}{'3 hops':>8}")
for name, (one, two, three) in medians.items():
    print(f"{name:<22}{one:8.0f}{two:8.0f}{three:8.0f}")
    assert 0 < one < two < three < 10_000, "each hop adds to the latency"

# %% [markdown]
# ## What you should see
#
# Without transactions a hop takes milliseconds. With them, a record waits half an interval on average at the first
# hop, up to a whole one at each further hop, and the transaction itself costs a few answers of the broker.

# %% tags=["measured"]
_, axes = figure("Latency over transactional hops: median, and the middle half", "hops", "ms")
for name, hops in took.items():
    quarters = [statistics.quantiles(each) for each in hops]
    axes.plot((1, 2, 3), medians[name], marker="o", label=name)
    axes.fill_between((1, 2, 3), [low for low, _, _ in quarters], [high for _, _, high in quarters], alpha=0.2)
axes.set_xticks((1, 2, 3))
axes.set_ylim(0)
axes.legend(loc="upper left")
assert medians["a commit each 400 ms"][0] > 100, "half an interval on average, and the transaction itself"

# %% [markdown]
# ## Try this
#
# **1. No retries.** Call `send_one_wine(walk.topic("no-retries"), message_send_max_retries=0)`. Now nothing is
# doubled, and the producer is told of an error. Yet the record is in the log: an error means "not known", not "not
# stored".

# %% tags=["try-this"]
no_retries = walk.topic("no-retries")
told_nothing = send_one_wine(no_retries, message_send_max_retries=0)
assert told_nothing == "produce requests: 1; the producer is told: _TRANSPORT", "a broken connection"
assert len(walk.read(no_retries)) == 1, "and the record is there"

# %% [markdown]
# **2. A reader who did not ask.** `print(records_of(scores, "read_uncommitted"))`: every score is there twice.
# Transactions protect only readers who read committed records.

# %% tags=["try-this"]
print(records_of(scores, "read_uncommitted"))
uncommitted = walk.read(scores, isolation_level="read_uncommitted")
assert [record.key() for record in uncommitted] == [b"wine-1", b"wine-2", b"wine-3"] * 2

# %% [markdown]
# **3. Out of order.** Write a result with another value and a lower `source_offset` to the table, as a slow first
# attempt would: `table.write([ServingResult(record_id="wine-1", value=1.0, source_offset=0)], {0: 1})`. Neither the
# row nor the position changes.

# %% tags=["try-this"]
table.write([ServingResult(record_id="wine-1", value=1.0, source_offset=0)], {0: 1})
rows = sqlite3.connect(walk.home / "results.db").execute("SELECT record_id, value FROM results").fetchall()
assert (rows, table.next_offset(0)) == ([("wine-1", 7.5)], 2)

# %% [markdown]
# ## What production does
#
# - **Idempotence costs next to nothing; turn it on.** Java's producer has it on by default since Kafka 3.0 (KIP-679).
#   librdkafka, and so `confluent-kafka`, has not (its CONFIGURATION.md), nor has aiokafka. The broker remembers the
#   last five batches of a producer (KIP-98).
# - **Readers must ask.** librdkafka's consumers read committed records by default; Java's and aiokafka's do not.
# - **Kafka Streams** commits each 30 s, with `exactly_once_v2` each 100 ms (its `commit.interval.ms`). **Flink**'s
#   Kafka sink commits with a checkpoint: committed records come as late as checkpoints are apart.
# - **Open transactions** of a dead producer hold up readers until `transaction.timeout.ms`, 60 s by default. Alert on
#   it.
# - **Fencing** is by transactional id (KIP-98) and, since KIP-447, by the group's generation. Not every client sends
#   that: [transactional_sink.py](../custom_stage/delivery/transactional_sink.py) says what this project does about
#   it.
# - **Here**: `python -m custom_stage.server --delivery exactly-once`. It commits as soon as the last commit is
#   through, so it has no interval; the figures are in [throughput](../docs/experiments/throughput.md). The default is
#   at-least-once: scores carry their record's id, and a sink that recognises ids is cheaper than a transaction.
# - **When not**: for one database as the sink, keep the offsets in it (what `ResultTable` does; Kafka Connect and
#   Flink sinks call it upsert). Transactions pay where Kafka is the sink and a second copy does harm.
#
# Exercises that fit next: `cs-7`, then `cs-2`.

# %%
assert len(walk.read(doubled)) == 2, "a lost acknowledgement doubles a record"
assert told.endswith("stored at offset 1"), "and the producer hears of the second copy only"
assert told_idempotent.endswith("stored at offset 0"), "an idempotent producer's retry is recognised"
assert len(walk.read(single)) == 3, "but not what its successors send"
assert [record.offset() for record in everything] == [0, 2, 4], "markers take offsets"
assert committed == {0, 4}, "an aborted record stays in the log, and committed readers skip it"
assert [text(record.value()) for record in walk.read(scores)] == ["10", "11", "12"], "a crash, and each once"
assert fenced == "_FENCED", "who comes late is fenced"
assert rows == [("wine-1", 7.5)], "a sink that recognises ids needs no transaction"
fast, slow = medians["no transactions"], medians["a commit each 400 ms"]
assert all(one < other for one, other in zip(fast, slow, strict=True)), "transactions cost latency, at each hop"
