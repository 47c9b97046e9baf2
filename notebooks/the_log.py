# %% [markdown]
# # The log
#
# **Question**: what does a broker keep of the records that it is sent, and who decides what is read of them?
#
# ## The idea
#
# A partition of a topic is a log. A producer appends at its end, and each record gets the next number: its *offset*.
# A consumer reads on from an offset. Reading takes nothing away. What a group of consumers has read is one number,
# which Kafka keeps for it: its *committed offset*.
#
# ```text
# offset          0     1     2     3     4     5     6
#              ┌─────┬─────┬─────┬─────┬─────┬─────┬─────┐
# partition 0  │  1  │  2  │  6  │ 24  │ 120 │ 720 │ ... │ ◀── a producer appends
#              └─────┴─────┴─────┴─────┴─────┴─────┴─────┘
#                             ▲                       ▲
#                       group "slow"            group "fast"
# ```
#
# ## Run it
#
# ### A factory of factorials
#
# The first stream needs no broker. `range` counts; `scan` multiplies what it has by the next number, and passes on
# every intermediate result. This is a description: nothing is computed before somebody subscribes, and who subscribes
# later gets it computed again.

# %%
import logging
import operator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import reactivex
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from reactivex import operators as ops

from experiments.plots import PALETTE, figure
from notebooks.kit.walk import Walk, wait_until

walk = Walk("the_log")

# %%
factorials = reactivex.range(1, 11).pipe(ops.scan(operator.mul))
numbers: list[int] = []
factorials.subscribe(numbers.append)
print(numbers)

# %% [markdown]
# Now each number is appended to a topic of one partition. The factory may end after that: the log has the numbers.


# %%
def text(record: Message) -> str:
    return (record.value() or b"").decode()


topic = walk.topic("factorials")
producer = walk.producer()
factorials.subscribe(lambda number: producer.produce(topic, str(number).encode()))
assert producer.flush(10) == 0, "the broker has acknowledged all of them"

for record in walk.read(topic):
    print(f"offset {record.offset()}: {text(record):>9}")

# %% [markdown]
# ### Two groups, one log
#
# `fast` reads all ten records, `slow` reads four. Each commits: "go on behind these".


# %%
def read(consumer: Consumer, n: int) -> list[str]:
    """The next n values, which are committed."""
    records = consumer.consume(n, timeout=30)
    assert len(records) == n, f"{len(records)} of {n} records: the group has committed beyond the others already"
    consumer.commit(asynchronous=False)
    return [text(record) for record in records]


fast, slow = walk.consumer("fast"), walk.consumer("slow")
fast.subscribe([topic])
slow.subscribe([topic])
print("fast:", *read(fast, 10))
print("slow:", *read(slow, 4))

# %% [markdown]
# What the broker knows of each group is a number. The *lag* is the distance from there to the log's end.


# %%
def committed(consumer: Consumer) -> int:
    return consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset


ends = {"fast": committed(fast), "slow": committed(slow)}
begin, end = fast.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
print("group   committed   lag")
for name, offset in ends.items():
    print(f"{name:<8}{offset:>9}{end - offset:>6}")

# %%
drawn, axes = figure("One partition, two groups", "offset", "")
axes.bar(range(10), 1, width=0.94, color=PALETTE[5])
for offset, number in enumerate(numbers):
    axes.text(offset, 0.5, f"{number:,}", ha="center", va="center", fontsize=8)
for colour, (name, offset) in zip((PALETTE[2], PALETTE[1]), ends.items(), strict=True):
    arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2}
    where = {"xy": (offset, 1), "xytext": (offset, 1.55)}
    axes.annotate(f"{name} goes on here", **where, color=colour, ha="center", arrowprops=arrow)
axes.set(xlim=(-0.6, 11.2), ylim=(0, 1.9), xticks=range(11), yticks=[])
axes.spines["left"].set_visible(False)
axes.grid(visible=False)

# %% [markdown]
# ### Restart, seek, replay
#
# `slow` ends. Another consumer of its group goes on where it stopped: the number is the broker's, not the process's.
# And any consumer may *seek*, to any offset that the log still has.

# %%
slow.close()
restarted = walk.consumer("slow")
restarted.subscribe([topic])
print("goes on:    ", *read(restarted, 2))

restarted.seek(TopicPartition(topic, 0, 0))
replayed = [text(record) for record in restarted.consume(10, timeout=30)]  # and commits nothing
print("reads again:", *replayed)
print("committed:  ", committed(restarted))
restarted.close()

# %% [markdown]
# ### Order within a partition, and none across
#
# Twelve orders of four customers, numbered as they are sent, go to a topic of three partitions. The record's key
# decides where it goes: the same key, the same partition.

# %%
orders = walk.topic("orders", partitions=3)
customers = ["ada", "bob", "eve", "mia"]
for number in range(12):
    producer.produce(orders, str(number).encode(), key=customers[number % 4])
assert producer.flush(10) == 0


def name_of(record: Message) -> str:
    return f"{(record.key() or b'').decode()}-{text(record)}"


partitions = [[name_of(record) for record in walk.read(orders, each)] for each in range(3)]
for each, found in enumerate(partitions):
    print(f"partition {each}:", *(f"{order:<7}" for order in found))

# %% [markdown]
# A consumer of all three gets each partition in its order, and the partitions mixed in any way. Here are two
# consumers, one of which happens to get the last partition first. Both are right: Kafka promises no order
# among partitions.


# %%
def of_customer(name: str, read_orders: Sequence[str]) -> list[str]:
    return [order for order in read_orders if order.startswith(name)]


sent = [f"{customers[number % 4]}-{number}" for number in range(12)]
one = [order for found in partitions for order in found]
other = [order for found in reversed(partitions) for order in found]
print("sent:       ", *sent)
print("one reads:  ", *one)
print("other reads:", *other)
for name in customers:
    print(f"{name} in both: ", *of_customer(name, one))
    assert of_customer(name, one) == of_customer(name, other) == of_customer(name, sent)

# %% [markdown]
# ### Retention: the log forgets at its beginning
#
# No disk holds all records of all years. Kafka deletes at the log's beginning, by age or by size; here we do it by
# hand. `slow` has committed 6, and that record is gone. Nobody tells it. Where it goes on is said by
# `auto.offset.reset`: here `earliest`, so with the first record that there is. With the clients' own default, `latest`,
# it would go on at the end, and miss all that is in the log.

# %%
deleted = walk.admin.delete_records([TopicPartition(topic, 0, 8)])
for partition, answer in deleted.items():
    print(f"the log of partition {partition.partition} now begins at offset {answer.result(10).low_watermark}")

late = walk.consumer("slow")
late.subscribe([topic])
first = late.consume(1, timeout=30)[0]
print(f"slow had committed {committed(late)} and gets offset {first.offset()}: two records are lost for it")
late.close()

# %% [markdown]
# ### A text transformer, in three engines
#
# Keep each grape that contains an "a", in capitals. The records come from a topic; the three programs differ in who
# is in charge. In **reactivex** the source pushes, and operators stand in its way.

# %%
grapes = walk.topic("grapes")
for grape in ("merlot", "malbec", "pinot noir", "syrah", "riesling", "chardonnay"):
    producer.produce(grapes, grape.encode())
assert producer.flush(10) == 0


def has_an_a(grape: str) -> bool:
    return "a" in grape


by_operators: list[str] = []
source = reactivex.from_iterable(text(record) for record in walk.read(grapes))
source.pipe(ops.filter(has_an_a), ops.map(str.upper)).subscribe(by_operators.append)
print(*by_operators)

# %% [markdown]
# An **actor** has a mailbox and a thread. Senders do not wait; it takes one message at a time, so what it keeps needs
# no lock. A question is a message, too, and is answered after everything that was sent before it.

# %%
import pykka


class Shouter(pykka.ThreadingActor):
    def __init__(self) -> None:
        super().__init__()
        self._shouted: list[str] = []

    def on_receive(self, message: str) -> list[str]:
        if has_an_a(message):
            self._shouted.append(message.upper())
        return self._shouted


shouter = Shouter.start()
for record in walk.read(grapes):
    shouter.tell(text(record))
by_actor = list(shouter.ask("?", timeout=10))
shouter.stop()
print(*by_actor)

# %% [markdown]
# A **faust** agent is a consumer of a group: it loops over the topic, and faust commits what it has done. It wants an
# event loop; a notebook has one of its own running, so this one gets a thread.

# %%
import asyncio

import faust

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it logs each step of joining a group
broker = f"kafka://{walk.bootstrap_servers}"
app = faust.App(f"{grapes}-shouter", broker=broker, web_enabled=False, topic_disable_leader=True)
by_agent: list[str] = []


@app.agent(app.topic(grapes, value_type=bytes, value_serializer="raw"))
async def shout(stream: faust.StreamT[bytes]) -> None:
    async for value in stream:
        if has_an_a(grape := value.decode()):
            by_agent.append(grape.upper())


async def run() -> None:
    await app.start()
    await asyncio.to_thread(wait_until, lambda: len(by_agent) == 3, "three grapes")
    await app.stop()


ThreadPoolExecutor().submit(asyncio.run, run()).result(60)
print(*by_agent)

# %% [markdown]
# ## What you should see
#
# - Ten factorials at the offsets 0 to 9. `fast` has read 10, `slow` 4, and the log is the same for both.
# - The restarted `slow` goes on with 120. After a seek to 0 it reads the same ten again, and its commit stays at 6.
# - The orders of each customer in the order in which they were sent, and no order of all twelve.
# - After the deletion `slow` gets offset 8 instead of 6, without an error.
# - Three engines, one result: `MALBEC SYRAH CHARDONNAY`.
#
# ## Try this
#
# Give a third group a name of its own, `walk.consumer("new")`, and let it read two records of `grapes`. It gets the
# first two, whoever has read them before. Then the same with `auto_offset_reset="latest"`, under one more name: it is
# asked for records for two seconds, and gets none.

# %% tags=["try-this"]
new, latest = walk.consumer("new"), walk.consumer("newest", auto_offset_reset="latest")
new.subscribe([grapes])
latest.subscribe([grapes])
assert [text(record) for record in new.consume(2, timeout=30)] == ["merlot", "malbec"]
assert latest.consume(1, timeout=2) == []

# %% [markdown]
# **Try this**: leave out `key=...` in the cell with the orders, with a topic of another name. Each record may now go
# to any partition, and the order of one customer's orders is gone: read the partitions one after the other, and
# compare.

# %% tags=["try-this"]
scattered = walk.topic("scattered", partitions=3)
unkeyed = walk.producer(sticky_partitioning_linger_ms=0)
for number in range(120):
    unkeyed.produce(scattered, str(number).encode())
assert unkeyed.flush(10) == 0
there = [[int(text(record)) for record in walk.read(scattered, each)] for each in range(3)]
assert all(each == sorted(each) for each in there), "within a partition there is order"
of_ada = [number for each in there for number in each if number % 4 == 0]
assert of_ada != sorted(of_ada), "and across them there is none"

# %% [markdown]
# **Try this**: let a consumer of another new group begin where the log no longer is, with
# `auto_offset_reset="error"`: `consumer.assign([TopicPartition(topic, 0, 6)])`. It gets an error,
# `_AUTO_OFFSET_RESET`, instead of a gap that nobody notices.

# %% tags=["try-this"]
careful = walk.consumer("careful", auto_offset_reset="error")
careful.assign([TopicPartition(topic, 0, 6)])
refused = careful.consume(1, timeout=30)[0].error()
assert refused is not None
assert refused.code() == KafkaError._AUTO_OFFSET_RESET

# %% [markdown]
# ## What production does
#
# - **Retention** is a topic's setting: `retention.ms` is 7 days by default, `retention.bytes` is without limit. Whole
#   segments go (`segment.bytes`, 1 GiB by default), so a record stays at least that long, and often longer (Kafka
#   documentation, "Topic Configs"). A topic that must keep the newest record of each key is *compacted* instead:
#   [streams_and_tables](streams_and_tables.ipynb).
# - **A group's offsets** are records of a topic, `__consumer_offsets`. They are forgotten 7 days after the group has
#   become empty (`offsets.retention.minutes`, KIP-186): a server that comes back from a long holiday begins where
#   `auto.offset.reset` says. Watch the lag, in records and in time, and alert before it comes near the retention.
# - **Partitions** are the unit of order and of parallelism. More of them later move keys to other partitions: choose
#   them for the load in two years. Java's producers hash a key with murmur2, librdkafka with CRC32 unless
#   `partitioner=murmur2_random` is set: one topic fed by both would have a key in two places (librdkafka,
#   "CONFIGURATION.md").
# - **This project** has three partitions of wines, and sends each score to its record's partition, so that the order
#   stays.
#
# Next: the exercise `mf-1` (`make exercises`), where a server reads a topic outside of any group, and
# [a model on a stream](model_on_a_stream.ipynb).

# %%
# What we have seen:
assert ends == {"fast": 10, "slow": 4}, "each group has an offset of its own"
assert replayed == [str(number) for number in numbers], "the log gives the same again"
for name in customers:
    assert of_customer(name, one) == of_customer(name, sent), "the records of a key are in order"
assert one != sent != other, "and the partitions are not, among each other"
assert first.offset() == 8, "what was deleted is skipped in silence"
assert by_operators == by_actor == by_agent == ["MALBEC", "SYRAH", "CHARDONNAY"], "one job, three engines"
