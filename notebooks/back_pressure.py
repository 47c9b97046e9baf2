# %% [markdown]
# # Back-pressure
#
# **Question**: records come twice as fast as the model scores them. Where do they wait, and who pays?
#
# ## The idea
#
# They wait somewhere, or they are lost. There are three places, and so three policies:
#
# ```text
#               producer ─▶ topic ─▶ server ─▶ model
#
# wait                     ██████                     read when there is room: lag in Kafka
# drop-oldest                        ███              read on, and leave the oldest out
# spill                              ███▶ file        read on, into a file, until it is full
# ```
#
# An unbounded queue in memory is none of them: it works until the process is killed for its memory, with all that
# waits in it. The usual sign that a stage is too slow is *lag*: how many records are in the topic and not yet read.
#
# ## Run it
#
# ### A slow model
#
# It answers with a wine's alcohol, by way of five layers of 1,500 numbers that change nothing
# ([kit/slow.py](kit/slow.py)). The other model is one that this project ships.

# %%
import json
import statistics
import time
import urllib.request
from collections.abc import Callable, Mapping

import numpy as np
from confluent_kafka import TopicPartition

from client.provider.shipped_models import shipped_models
from client.wines.source import GeneratedWines
from experiments.plots import figure
from experiments.scene import Scene, wines
from experiments.steady_load import SteadyLoad
from model.features import WINE
from model.registry import load
from notebooks.kit.slow import slow_model
from notebooks.kit.walk import Walk, wait_until
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord

walk = Walk("back_pressure")
slow, fast = slow_model(layers=5), next(each for each in shipped_models() if each.name == "linear-onnx")

# %% [markdown]
# How many wines does it score in a second, on this machine, when nothing is in its way?

# %% tags=["measured"]
BATCH = 200
features = GeneratedWines().batch(BATCH).features
loaded = load(slow)
took_s = []
for _ in range(5):
    began_s = time.perf_counter()
    loaded.model.score(features)
    took_s.append(time.perf_counter() - began_s)
loaded.close()
capacity = BATCH / min(took_s)
print(f"{capacity:,.0f} wines/s")
assert 50 < capacity < 100_000

# %% [markdown]
# ### Twice as many wines as that, for three seconds
#
# A real server scores them. Ten times a second we ask it for its metrics, as Prometheus would: how much waits in the
# topic, how much in the server. (A slow machine takes longer than three seconds: it shall fall behind by 8,000 wines.)

# %%
LOAD_S = max(3.0, 8_000 / capacity)  # far more than the 1,700 wines that fit into 1 MiB of memory
LOOK_S, LIMIT_S = 0.1, 90.0
Look = Mapping[str, float]
LAG, SCORED = "serving_lag_records", "serving_records_scored_total"
DROPPED, WAITING = "serving_overflow_records_dropped_total", "serving_overflow_bytes_waiting"


def look(here: Scene, since_s: float) -> Look:
    """All its meters without labels, and when that was."""
    while (answer := here.server.get("/metrics")) is None:
        here.server.check()
    lines = [line for line in answer.splitlines() if line.startswith("serving_") and "{" not in line]
    meters = dict(line.split() for line in lines)
    return {"at_s": time.monotonic() - since_s} | {name: float(value) for name, value in meters.items()}


# %%
def rush(here: Scene) -> list[Look]:
    """Publish for a while; look until every wine has its outcome."""
    began_s = time.monotonic()
    looks: list[Look] = []

    def again(holds: Callable[[Look], bool]) -> bool:
        looks.append(look(here, began_s))
        time.sleep(LOOK_S)  # the pace of the looks: nothing waits for it
        return holds(looks[-1])

    with SteadyLoad(here.publisher, GeneratedWines(), 2 * capacity):
        wait_until(lambda: again(lambda now: now["at_s"] > LOAD_S), "the rush was over", LIMIT_S)
    published = sum(here.observer.data_ends().values())
    wait_until(lambda: again(lambda now: now[SCORED] + now[DROPPED] >= published), "all was done", LIMIT_S)
    return looks


# %%
def serving(*flags: str) -> Scene:
    """A server that has the slow model."""
    here = walk.scene("custom_stage", ["--max-batch", str(BATCH), *flags])
    here.server.start()
    here.server.wait_until_ready()
    here.activate(slow)
    return here


# %%
scenes: dict[str, Scene] = {}
seen: dict[str, list[Look]] = {}


def run(policy: str, *flags: str) -> str:
    """A server of its own for this policy, the rush; its account."""
    here = scenes[policy] = serving("--overflow", policy, *flags)
    looks = seen[policy] = rush(here)
    here.server.stop()
    published, last = sum(here.observer.data_ends().values()), looks[-1]
    lag, waiting = (max(each[name] for each in looks) for name in (LAG, WAITING))
    return (
        f"published {published:,}, scored {last[SCORED]:,.0f}, dropped {last[DROPPED]:,.0f}"
        f" in {last['at_s']:.1f} s\n"
        f"at most {lag:,.0f} records of lag in the topic, and {waiting / 1024:,.0f} KiB in the server"
    )


# %% [markdown]
# **wait**: read when there is room for a batch, and only then.

# %% tags=["measured"]
print(run("wait"))
assert seen["wait"][-1][DROPPED] == 0, "nothing is lost"
assert all(each[WAITING] == 0 for each in seen["wait"]), "nothing is read ahead"

# %% [markdown]
# **drop-oldest**: read on; 1 MiB may wait in memory.

# %% tags=["measured"]
print(run("drop-oldest", "--overflow-bytes", str(2**20)))
assert seen["drop-oldest"][-1][DROPPED] > 0, "who drops, drops, and counts it"
assert max(each[WAITING] for each in seen["drop-oldest"]) < 2**20 + BATCH * 1_000, "its bound"

# %% [markdown]
# **spill**: read on; up to 64 MiB may wait in a file.

# %% tags=["measured"]
print(run("spill"))
assert seen["spill"][-1][DROPPED] == 0, "nothing is lost"

# %% [markdown]
# ## What you should see
#
# **Where they wait.** The load ends at the dotted line. With `wait` the lag in Kafka rises by the surplus and falls at
# the model's pace; nothing else happens, and everybody can watch it. (It rises in steps: a server learns with each
# fetch how much there is.) The other two read on: the lag stays low.

# %% tags=["measured"]
_, axes = figure("In the topic: lag", "s since the rush began", "records")
for policy, looks in seen.items():
    axes.plot([each["at_s"] for each in looks], [each[LAG] for each in looks], label=policy)
axes.axvline(LOAD_S, color="grey", linestyle=":")
axes.legend()
most_lag = {policy: max(each[LAG] for each in looks) for policy, looks in seen.items()}
assert most_lag["wait"] > most_lag["spill"], "a record in the file is none that lags"

# %% [markdown]
# What they have read waits in the server: at most 1 MiB in memory with `drop-oldest`, in a file with `spill`.

# %% tags=["measured"]
_, axes = figure("In the server: read, and not yet with the model", "s since the rush began", "KiB")
for policy, looks in seen.items():
    axes.plot([each["at_s"] for each in looks], [each[WAITING] / 1024 for each in looks], label=policy)
axes.axvline(LOAD_S, color="grey", linestyle=":")
axes.legend()
assert max(each[WAITING] for each in seen["spill"]) > 0, "it has read on"

# %% [markdown]
# **Who pays.** Each point is a score: when its wine was submitted, and how old it was when it was scored. In a topic or
# in a file, a wine that waits grows old; writing the file costs the server time besides. (With `wait` it is several
# lines: the client fetches one partition's backlog after the other.) Only who leaves records out has fresh scores, and
# gaps.


# %%
def ages(here: Scene) -> tuple[list[float], list[float]]:
    """Of each score: when its wine was submitted, since the first one; how much later it was scored; in s."""
    read = [message for partition in range(3) for message in walk.read(here.topics.scores, partition)]
    results = [ServingResult.FromString(message.value() or b"") for message in read]
    first_ms = min(each.record_ts for each in results)
    submitted_s = [(each.record_ts - first_ms) / 1000 for each in results]
    return submitted_s, [(each.scored_ts - each.record_ts) / 1000 for each in results]


# %% tags=["measured"]
_, axes = figure("How old a score is", "wine submitted, s", "scored after, s")
aged = {policy: ages(here) for policy, here in scenes.items()}
for policy, (submitted_s, age_s) in aged.items():
    axes.plot(submitted_s[::10], age_s[::10], ".", markersize=2, label=policy)
axes.legend(markerscale=5)
oldest_s = {policy: max(age_s) for policy, (_, age_s) in aged.items()}
print("oldest score: ", ", ".join(f"{policy} {age_s:.1f} s" for policy, age_s in oldest_s.items()))
assert oldest_s["drop-oldest"] < oldest_s["wait"], "dropping keeps scores fresh"

# %% [markdown]
# ### A direct call, or a hop through a topic
#
# Why put a topic between caller and model at all? The same wine, one at a time: a function call in this process, an
# HTTP request to a server (`/v2/models/wine/infer`), and a record whose score we wait for.

# %%
here = scenes["wait"]
here.server.start()
here.server.wait_until_ready()
here.activate(fast)
(wine,) = wines(GeneratedWines(), 1)
row = [float(getattr(WineRecord.FromString(wine), name)) for name in WINE]
in_process = load(fast)


# %%
def call() -> float:
    return float(in_process.model.score(np.array([row]))[0])


def request() -> float:
    tensor = {"name": "wines", "shape": [1, len(WINE)], "datatype": "FP64", "data": row}
    url = f"http://127.0.0.1:{here.server.port}/v2/models/wine/infer"
    body, headers = json.dumps({"inputs": [tensor]}).encode(), {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return float(json.load(answer)["outputs"][0]["data"][0])


# %%
reader, producer = walk.consumer("waiting"), walk.producer(linger_ms=0)
ends = here.observer.score_ends()
reader.assign([TopicPartition(here.topics.scores, partition, end) for partition, end in ends.items()])


def hop() -> float:
    producer.produce(here.topics.data, wine)
    producer.flush(10)
    record = reader.poll(10)
    assert record is not None
    return ServingResult.FromString(record.value() or b"").value


print(f"one wine, one model: {call():.4f} {request():.4f} {hop():.4f}")

# %%
TIMES = 200


def times_ms(way: Callable[[], float]) -> list[float]:
    took_ms = []
    for _ in range(TIMES):
        began_s = time.perf_counter()
        way()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return took_ms


# %% tags=["measured"]
ways = {"function call": call, "HTTP request": request, "hop through a topic": hop}
took_ms = {name: times_ms(way) for name, way in ways.items()}
middle_ms = {name: statistics.median(each) for name, each in took_ms.items()}
_, axes = figure("One wine, three ways", "", "ms (logarithmic)")
axes.boxplot(list(took_ms.values()), tick_labels=list(ways), whis=(5, 95), showfliers=False)
axes.set_yscale("log")
axes.yaxis.set_major_formatter("{x:g}")
print(",  ".join(f"{name}: {median_ms:.2f} ms" for name, median_ms in middle_ms.items()))
assert middle_ms["function call"] < middle_ms["hop through a topic"] < 1_000, "a hop costs milliseconds"

# %% [markdown]
# A call is faster, always. What the hop buys: the caller does not wait, a rush becomes lag instead of time-outs, a
# server that is down loses nothing, and the same record can be scored again by another model. And records come out in
# batches:

# %% tags=["measured"]
MANY = 20_000
before = here.observer.scores()
began_s = time.monotonic()
here.publish_wines([wine] * MANY)
wait_until(lambda: here.observer.scores() >= before + MANY, "all were scored", LIMIT_S)
per_s = MANY / (time.monotonic() - began_s)
print(f"one after the other by HTTP: {1000 / middle_ms['HTTP request']:8,.0f} wines/s")
print(f"through the topic:           {per_s:8,.0f} wines/s")
assert per_s > 1000 / middle_ms["HTTP request"]

# %% [markdown]
# ## Try this
#
# **1. A full file.** Start `serving("--overflow", "spill", "--overflow-bytes", str(2**20))` and publish 20,000 wines
# at once: `here.publish_wines(wines(GeneratedWines(), 20_000))`. When the file is full, the server waits
# (`serving_overflow_wait_seconds_total` grows), and the rest is lag in Kafka, as with `wait`.

# %% tags=["try-this"]
full = serving("--overflow", "spill", "--overflow-bytes", str(2**20))
full.publish_wines(wines(GeneratedWines(), 20_000))
wait_until(lambda: look(full, 0)["serving_overflow_wait_seconds_total"] > 0, "the file was full", LIMIT_S)
assert look(full, 0)[LAG] > 0, "the rest waits in Kafka"
full.activate(fast)
wait_until(lambda: look(full, 0)[SCORED] >= 20_000, "all were scored", LIMIT_S)
full.server.stop()

# %% [markdown]
# **2. More room.** The same with `--overflow drop-oldest` and 64 MiB (`str(2**26)`): nothing is dropped. It all waits
# in memory, and is as old as with `wait` when it is scored: a bound that is never reached is no policy.

# %% tags=["try-this"]
roomy = serving("--overflow", "drop-oldest", "--overflow-bytes", str(2**26))
roomy.publish_wines(wines(GeneratedWines(), 20_000))
wait_until(lambda: look(roomy, 0)[WAITING] > 2**20, "more waited than before", LIMIT_S)
roomy.activate(fast)
wait_until(lambda: look(roomy, 0)[SCORED] >= 20_000, "all were scored", LIMIT_S)
assert look(roomy, 0)[DROPPED] == 0, "nothing was dropped"
roomy.server.stop()

# %% [markdown]
# ## What production does
#
# - **Let it lag.** Kafka *is* the bounded buffer, on disk and replicated. Consumers pull, so nobody can overrun them.
#   Alert on lag in *seconds*, not in records (`serving_end_to_end_seconds` here; consumer-lag exporters elsewhere),
#   and add instances up to the number of partitions.
# - **Retention is the bound.** A topic that keeps its records for less time than a rush takes loses them. That is the
#   one case for `spill`.
# - **Drop on purpose, and count it.** Prices, positions, recommendations: a late score is worth nothing. Dropped
#   records are committed here and counted in `serving_overflow_records_dropped_total`.
# - **Where a library only pushes** (reactivex here), demand is made at the source: a slot is taken before each fetch
#   and given back when the scores are acknowledged ([topology.py](../custom_stage/topology.py)). Akka Streams, Flink
#   (credit-based flow control) and Reactive Streams have it built in: a full buffer stops the stage before it, up to
#   the consumer.
# - **Online and stream are both right.** A user who waits for an answer gets a direct call (KServe, MLServer, Triton;
#   here `/v2`); what may be answered a second later goes through a topic.
#
# Exercises that fit next: `cs-1`, then `cs-6`.

# %%
last = {policy: looks[-1] for policy, looks in seen.items()}
assert last["wait"][DROPPED] == last["spill"][DROPPED] == 0, "who waits, anywhere, loses nothing"
assert last["drop-oldest"][DROPPED] > 0, "who drops, drops, and counts it"
assert most_lag["wait"] > most_lag["spill"], "lag shows what waits in the topic, and nothing else"
assert oldest_s["drop-oldest"] < oldest_s["wait"], "only who leaves records out has fresh scores"
assert middle_ms["function call"] < middle_ms["hop through a topic"], "a hop costs more than a call"
assert per_s > 1000 / middle_ms["HTTP request"], "and carries more records than calls one after the other"
