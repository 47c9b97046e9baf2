# %% [markdown]
# # Choosing
#
# **Question**: which of the five would you take, and when none of them?
#
# ## The idea
#
# A choice is only as good as its table. Here it is made from what is promised (each variant's `Guarantees`, which a
# test holds by killing real servers) and from what was measured (the pages in `docs/experiments`). No figure is typed
# in this notebook.
#
# ```text
#   VARIANT.guarantees ---------------.
#   docs/experiments/throughput.md ---+--> tables --> choose(needs) --> one of the five
#   docs/experiments/survival.md -----|                             '-> or none of them
#   README.md ------------------------'
# ```
#
# All figures are of one machine and one run. Seconds and records per second will be others on yours; ratios of one
# run carry over best.
#
# ## Run it
#
# ### What is promised

# %%
from dataclasses import dataclass
from math import inf

from matplotlib import pyplot

from client.demo.circumstances import Circumstance
from experiments.markdown import table_rows
from experiments.plots import PALETTE, figure
from experiments.survival.page import IN_WORDS, SHORT_HEAD
from experiments.survival.table import README
from experiments.throughput.contenders import FASTEST, LIMIT, YARDSTICK
from experiments.throughput.page import HEAD, LATENCY_HEAD
from experiments.variants import VARIANTS, variant
from serving.engine import DeliveryMode, OverflowPolicy

# %%
promised = {name: variant(name).guarantees for name in VARIANTS}
circumstances: list[Circumstance] = ["killed", "disk_wiped", "model_topic_emptied"]

print(f"{'survives':20}" + "".join(f"{IN_WORDS[each]:28}" for each in circumstances))
for name, guarantees in promised.items():
    cells = []
    for each in circumstances:
        both = {"model": guarantees.model_survives, "counters": guarantees.counters_survive}
        survivors = [what for what, survives in both.items() if getattr(survives, each)]
        cells.append(" + ".join(survivors) or "nothing")
    print(f"{name:20}" + "".join(f"{cell:28}" for cell in cells))

# %%
print(f"{'offers':20}{'delivery':44}overflow")
for name, guarantees in promised.items():
    print(f"{name:20}{', '.join(guarantees.delivery):44}{', '.join(guarantees.overflow)}")

# %% [markdown]
# ### What was measured
#
# Speed, with the fastest model: then the server is measured, not the model.


# %%
def number(cell: str) -> float:
    return float(cell.replace(",", ""))


page = (README.parent / "docs/experiments/throughput.md").read_text("utf-8")
measured = [row for row in table_rows(page, HEAD) if row["model"] in (FASTEST, "")]
usual = [row for row in measured if row["delivery"] == "at-least-once"]
quiet = [row for row in table_rows(page, LATENCY_HEAD) if row["models taken over meanwhile"] == "0"]

speed = {(row["variant"].strip("`"), row["delivery"]): number(row["records/s"]) for row in measured}
cpu_us = {row["variant"].strip("`"): number(row["CPU, µs/record"]) for row in usual}
p99_ms = {row["variant"].strip("`"): number(row["p99, ms"]) for row in quiet}

# %%
share = {name: speed[name, "at-least-once"] / speed[YARDSTICK, "at-least-once"] for name in VARIANTS}
print(f"{'at-least-once':20}{'records/s':>10}{'share':>8}{'CPU, µs/record':>16}{'p99, ms':>10}")
for name in VARIANTS:
    per_s = speed[name, "at-least-once"]
    print(f"{name:20}{per_s:10,.0f}{share[name]:8.2f}{cpu_us[name]:16.1f}{p99_ms[name]:10.1f}")

# %% [markdown]
# What a `kill -9` cost, from the README's second table:

# %%
costs = {row["variant"].split("`")[1]: row for row in table_rows(README.read_text("utf-8"), SHORT_HEAD)}
columns = {"killed": 36, "scored twice": 14, "on disk": 12, "in changelogs": 0}
print(" " * 20 + "".join(f"{column:{width}}" for column, width in columns.items()))
for name, row in costs.items():
    print(f"{name:20}" + "".join(f"{row[column]:{width}}" for column, width in columns.items()))

# %% [markdown]
# ### Speed against what survives
#
# Six promises: the model, and the counters, in each of three circumstances.


# %%
def promises_kept(name: str) -> int:
    lives = promised[name].model_survives, promised[name].counters_survive
    return sum(getattr(survives, each) for survives in lives for each in circumstances)


kept = {name: promises_kept(name) for name in VARIANTS}
print(", ".join(f"{name} {count}" for name, count in kept.items()))

# %%
drawn, axes = figure("How fast, and what survives", f"speed, {YARDSTICK} = 1", "promises kept, of 6")
for promises in sorted(set(kept.values())):
    names = [name for name in VARIANTS if kept[name] == promises]
    for name in names:
        colour = PALETTE[1] if name.startswith("streams") else PALETTE[0]
        axes.scatter(share[name], promises, s=90, color=colour, zorder=3)
    place = (min(share[name] for name in names), promises)
    axes.annotate("\n".join(names), place, (-12, 0), textcoords="offset points", ha="right", va="center")
axes.set(xlim=(0, 1.15), ylim=(-0.6, 6.8), yticks=range(7))
pyplot.show()

# %% [markdown]
# ### Engine or library?
#
# reactivex and Pykka are libraries: they bring an operator or an actor, and the loop that fetches, commits and meets
# a rebalance is ours. faust is an engine: it brings that loop, and tables with changelogs. What does a record cost,
# step by step?

# %%
steps = [
    (LIMIT.rpartition(".")[2], "fetch and send, nothing else"),
    ("custom_stage", "decode and score, in a loop of our own"),
    ("actors_persistent", "the same with actors, and a journal"),
    ("streams_inmemory", "the same in an engine, state in memory"),
    ("streams_kvstore", "and a table in RocksDB, with a changelog"),
    ("streams_customstore", "or on a store of our own"),
]
drawn, axes = figure("CPU time of the server for a record", "µs", "")
bars = axes.barh(
    [f"{what}\n({name})" for name, what in steps],
    [cpu_us[name] for name, _ in steps],
    color=["0.6", PALETTE[0], PALETTE[0], PALETTE[1], PALETTE[1], PALETTE[1]],
)
axes.bar_label(bars, fmt="%.1f", padding=4)
axes.invert_yaxis()
axes.grid(visible=False, axis="y")
drawn.set_size_inches(7.5, 4.2)
pyplot.show()

# %%
engine = cpu_us["streams_inmemory"] - cpu_us["custom_stage"]
table = cpu_us["streams_kvstore"] - cpu_us["streams_inmemory"]
print(f"faust in place of our own loop: {engine:+.1f} µs for each record")
print(f"its table, on top:              {table:+.1f} µs")

# %% [markdown]
# So the engine is cheap, and so is a table with a changelog: here an event is all that one fetch brought of a
# partition, and a batch shares whatever is done once for an event. That is not what faust does by itself. With one
# event for each record the same agent needs several times the processor time (measured in the README of
# `streams_inmemory`): what an engine does for each record is what it costs. The other side of the account is code: the
# loop is the hardest part of `custom_stage`, and of `actors_persistent`.
#
# ### A helper that chooses
#
# It refuses with reasons, and of what fits it takes the fastest first.


# %%
@dataclass(frozen=True)
class Needs:
    """What is asked of a server; without arguments, nothing."""

    delivery: DeliveryMode = "at-least-once"
    overflow: OverflowPolicy = "wait"
    model_survives: tuple[Circumstance, ...] = ()  # serves at once after this
    counters_survive: tuple[Circumstance, ...] = ()  # exact after this
    per_s: float = 0  # records, on a machine like that of the measurement
    p99_ms: float = inf


# %%
def against(name: str, needs: Needs) -> list[str]:
    promise = promised[name]
    model, counters = promise.model_survives, promise.counters_survive
    reasons = [f"model lost: {each}" for each in needs.model_survives if not getattr(model, each)]
    reasons += [f"counters lost: {each}" for each in needs.counters_survive if not getattr(counters, each)]
    reasons += [f"not {needs.delivery}"] * (needs.delivery not in promise.delivery)
    reasons += [f"no overflow {needs.overflow}"] * (needs.overflow not in promise.overflow)
    reasons += ["too slow"] * (speed.get((name, needs.delivery), inf) < needs.per_s)
    reasons += ["p99 too long"] * (p99_ms[name] > needs.p99_ms)
    return reasons


def choose(needs: Needs) -> list[str]:
    fits = [name for name in VARIANTS if not against(name, needs)]
    return sorted(fits, key=lambda name: -speed[name, needs.delivery])


# %%
on_disk: tuple[Circumstance, ...] = ("killed", "model_topic_emptied")
wanted = {
    "a dashboard of the newest scores, gaps are fine": Needs("at-most-once", overflow="drop-oldest"),
    "each score pays for something, so exactly one each": Needs("exactly-once"),
    "counters for an audit, on a machine with a disk": Needs(counters_survive=on_disk),
    "exact counters, where the disk goes with the container": Needs(counters_survive=("disk_wiped",)),
    "serve at once, also when the models are gone": Needs(model_survives=on_disk),
    "exactly-once, and counters that survive": Needs("exactly-once", counters_survive=("killed",)),
}
for need, needs in wanted.items():
    print(f"{need}\n    -> {', or '.join(choose(needs)) or 'none of the five'}")

# %%
for name in VARIANTS:
    print(f"{name:20}{', '.join(against(name, wanted['exactly-once, and counters that survive']))}")

# %% [markdown]
# ## What you should see
#
# - No variant wins in every column. What forgets nothing is not the fastest. But they are close to each other: what
#   survives decides, not the pace.
# - Only `custom_stage` has a choice of delivery; it has transactions because it keeps no state that would have to be
#   in them.
# - Exactly-once *and* counters that survive is what none of the five offers: scores, changelog and offsets would have
#   to be in one transaction.
#
# ## Try this
#
# **1.** Ask for exact counters on a lost disk at twice the speed that `streams_kvstore` has:
# `choose(Needs(counters_survive=("disk_wiped",), per_s=2 * speed["streams_kvstore", "at-least-once"]))`. Nothing is
# left. Then you need more instances, or give one of the two up.

# %% tags=["try-this"]
twice = Needs(counters_survive=("disk_wiped",), per_s=2 * speed["streams_kvstore", "at-least-once"])
assert choose(twice) == []

# %% [markdown]
# **2.** Ask for everything that can survive, and not for speed: `choose(Needs(model_survives=tuple(circumstances),
# counters_survive=tuple(circumstances)))`. The two servers with a changelog are left: it is the only copy that is not
# on the lost machine.

# %% tags=["try-this"]
everything = Needs(model_survives=tuple(circumstances), counters_survive=tuple(circumstances))
assert set(choose(everything)) == {"streams_kvstore", "streams_customstore"}

# %% [markdown]
# **3.** Ask for the shortest wait that was measured: `choose(Needs(p99_ms=min(p99_ms.values())))`. One variant is left,
# unless two were equal. What if a need of yours is in none of the fields - a team that knows Python only, models of 2
# GB? If no column of the tables decides it, measure it (`experiments/`), or look at the next section.

# %% tags=["try-this"]
shortest = min(p99_ms.values())
assert set(choose(Needs(p99_ms=shortest))) == {name for name in VARIANTS if p99_ms[name] == shortest}

# %% [markdown]
# ## What production does: what people use instead
#
# - **Quix Streams**, for windows, joins and state in Python, from Kafka to Kafka: state in RocksDB with changelog
#   topics, and exactly-once by Kafka's transactions. A library; no cluster and no JVM.
# - **Kafka Streams**, where state and output must be one: `exactly_once_v2` has outputs, changelogs and offsets in
#   one transaction (KIP-129, KIP-447); standby replicas take over without a long restore. A library, too, but for the
#   JVM: so must the model be, or it is behind a call.
# - **Flink**, for state larger than a machine, event time, patterns, and sources that are not Kafka: checkpoints to
#   shared storage, savepoints, CEP, SQL, also from Python. An engine: a cluster to run, and people who know it.
# - **MLServer**, for a score as the answer to a request: REST and gRPC by the Open Inference Protocol, adaptive
#   batches, several processes. It can read and write Kafka topics, too. Models are loaded by calls to its repository
#   API, not by records.
# - **KServe**, for many models, GPUs, canaries (`canaryTrafficPercent`) and scaling to zero: an `InferenceService` on
#   Kubernetes. What comes from Kafka comes through Knative's event source, as calls. The platform is the price.
#
# Sources: Quix Streams documentation, "Stateful Processing" and "Processing Guarantees"; Apache Kafka documentation,
# "Kafka Streams Configs" (`processing.guarantee`, `num.standby.replicas`); Apache Flink documentation,
# "Checkpointing" and "FlinkCEP"; MLServer documentation, "Serving models through Kafka" and "Adaptive Batching";
# KServe documentation, "Canary Rollout Strategy" and "End to End Inference Service Example with Minio and Kafka".
#
# Which is right? **A request waits for the score**: MLServer, alone or in KServe. **Records flow, and the state is
# the hard part**: a streams engine, Kafka Streams or Flink if the JVM is no obstacle, Quix Streams if it is.
# **Records flow, and the model is the hard part** - swapped while it serves, large, in Python: a loop of your own, as
# in `custom_stage`, with what it takes to lose nothing; that is what this repository is about.
#
# Exercises that fit: `cs-1` and `cs-2` (the loop that an engine would bring), `kv-2` (what a commit promises), `co-2`
# (what an engine asks of a store).
#
# ## What we have seen

# %%
assert choose(Needs("exactly-once")) == ["custom_stage"], "one of the five has transactions"
assert choose(Needs("exactly-once", counters_survive=("killed",))) == [], "none has them around its state"
with_changelog = {"streams_kvstore", "streams_customstore"}
assert set(choose(Needs(counters_survive=("disk_wiped",)))) == with_changelog, "a changelog outlives the disk"
assert kept[max(VARIANTS, key=lambda name: share[name])] < 6, "the fastest does not keep everything"
assert min(share.values()) > 0.5, "nobody is half as fast as another: choose by what survives"
