# %% [markdown]
# # A model on a stream
#
# **Question**: how does a formula become something that scores a stream, and how does the next model take its place
# while the stream goes on?

# %% [markdown]
# ## The idea
#
# A model is a file, and a file can travel as a message. So there are two streams: one of records, one of models. A
# server reads both. It scores each record with the model that it holds at that moment, and a model that arrives
# replaces it *between* two batches.
#
# ```text
#   formula --> file (PMML or ONNX) --> topic of models --.
#                                                         v
#                        wines --> topic of data --> [ server ] --> topic of scores
#                                                     old model        score, and the name of the model
#                                                     -> new model     that gave it
# ```

# %% [markdown]
# ## Run it: from a formula to a file
#
# A model is a formula whose numbers were learnt from examples. Ours predicts the quality of a red wine (0 to 10)
# from three of its measurements, by least squares over 8,000 generated wines: they have the statistics of the 1,599
# that were tasted for Cortez et al. 2009.

# %%
import numpy as np

from client.wines.source import GeneratedWines
from model.features import WINE

NAMES = ("volatile_acidity", "sulphates", "alcohol")
COLUMNS = [WINE.index(name) for name in NAMES]

tasted = GeneratedWines(seed=2009).batch(8_000)
assert tasted.quality is not None
examples = np.column_stack([tasted.features[:, COLUMNS], np.ones(8_000)])
*weights, intercept = np.linalg.lstsq(examples, tasted.quality, rcond=None)[0].round(3).tolist()

terms = [f"({weight} * {name})" for weight, name in zip(weights, NAMES, strict=True)]
print("quality =", " + ".join([*terms, str(intercept)]))

# %% [markdown]
# **In PMML** (an XML format of the Data Mining Group) the formula is written down in words: what goes in, and with
# which coefficient. Anybody can read it.


# %%
acidity, sulphates, alcohol = weights
pmml = f"""<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
 <Header/>
 <DataDictionary>
  <DataField name="quality" optype="continuous" dataType="double"/>
  <DataField name="volatile_acidity" optype="continuous" dataType="double"/>
  <DataField name="sulphates" optype="continuous" dataType="double"/>
  <DataField name="alcohol" optype="continuous" dataType="double"/>
 </DataDictionary>
 <RegressionModel functionName="regression">
  <MiningSchema>
   <MiningField name="quality" usageType="target"/>
   <MiningField name="volatile_acidity"/>
   <MiningField name="sulphates"/>
   <MiningField name="alcohol"/>
  </MiningSchema>
  <RegressionTable intercept="{intercept}">
   <NumericPredictor name="volatile_acidity" coefficient="{acidity}"/>
   <NumericPredictor name="sulphates" coefficient="{sulphates}"/>
   <NumericPredictor name="alcohol" coefficient="{alcohol}"/>
  </RegressionTable>
 </RegressionModel>
</PMML>"""

# %% [markdown]
# **In ONNX** it is a graph of operations on tensors: all 11 measurements of *N* wines go in, one score for each
# comes out. Features that the formula does not use get the weight 0.

# %%
from typing import Any

from onnx import checker, helper, numpy_helper


def onnx_file(nodes: list[Any], constants: dict[str, Any], precision: type = np.float32) -> bytes:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(precision))
    graph = helper.make_graph(
        nodes,
        "wine quality",
        [helper.make_tensor_value_info("wines", kind, ["N", len(WINE)])],
        [helper.make_tensor_value_info("score", kind, ["N", 1])],
        [numpy_helper.from_array(np.asarray(value, precision), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())


# %%
column = np.zeros((len(WINE), 1))
column[COLUMNS, 0] = weights
formula = [
    helper.make_node("MatMul", ["wines", "weights"], ["sum"]),
    helper.make_node("Add", ["sum", "intercept"], ["score"]),
]
onnx = onnx_file(formula, {"weights": column, "intercept": [intercept]})
print(f"PMML: {len(pmml)} bytes of text, ONNX: {len(onnx)} bytes of protobuf")

# %% [markdown]
# **Do the two agree?** Both go through the loader that every server here uses. `score` takes a batch of wines.

# %%
from model.registry import load
from protobufs.model_descriptor_pb2 import ModelDescriptor

in_pmml = ModelDescriptor(name="formula-pmml", dataType="wine", modeltype="PMML", data=pmml.encode())
in_onnx = ModelDescriptor(name="formula-onnx", dataType="wine", modeltype="ONNX", data=onnx)

held_out = GeneratedWines(seed=2010).batch(1_000)
by_hand = intercept + held_out.features[:, COLUMNS] @ np.array(weights)
by_pmml, by_onnx = (load(each).model.score(held_out.features) for each in (in_pmml, in_onnx))

print("wine   formula      PMML         ONNX")
for wine in range(3):
    print(f"{wine:4}   {by_hand[wine]:.7f}    {by_pmml[wine]:.7f}    {by_onnx[wine]:.7f}")
for name, by_file in (("PMML", by_pmml), ("ONNX", by_onnx)):
    within = next(bound for bound in (1e-12, 1e-5) if np.abs(by_file - by_hand).max() < bound)
    print(f"{name}: all 1,000 wines within {within:g} of the formula")

# %% [markdown]
# They are one model. The difference in the last digits is that our graph calculates in `float32`, as is usual in
# ONNX, and the formula in `float64`. Before you replace a model by "the same one" in another format, compare them
# in this way.

# %% [markdown]
# ## Run it: from a file to a served model
#
# A broker, and a real server in a process of its own: `python -m custom_stage.server`. No model is published yet,
# and 20 wines come.

# %%
from notebooks.kit.walk import Walk, wait_until

walk = Walk("model_on_a_stream")
scene = walk.scene("custom_stage")
scene.server.start()
scene.server.wait_until_ready()

# %%
import time

from client.wines.source import wine_records

producer = walk.producer(acks="all")
wines = GeneratedWines(seed=7)
sent: list[str] = []  # the record ids


def publish(n: int) -> None:
    for value in wine_records(wines.batch(n), "wine", time.time_ns() // 1_000_000):
        sent.append(f"wine-{len(sent):04}")
        producer.produce(scene.topics.data, value, key=sent[-1])
    producer.flush(10)


def state() -> dict[str, Any]:
    return scene.server.get("/state") or {}


publish(20)
wait_until(lambda: state().get("skipped") == 20, "20 wines were skipped")
print("without a model:", {key: state()[key] for key in ("name", "usage", "skipped")})

# %% [markdown]
# A stream does not wait. Without a model the server guesses nothing: it counts the wines as *skipped* and goes on.
# Now the PMML file is published, and is active as soon as it is loaded.


# %%
def publish_model(model: ModelDescriptor) -> None:
    producer.produce(scene.topics.models, model.SerializeToString(), "wine")
    producer.flush(10)


publish_model(in_pmml)
wait_until(lambda: state().get("name") == in_pmml.name, "the first model was active")
publish(30)
wait_until(lambda: state().get("usage") == 30, "30 wines were scored")
print("with a model:   ", {key: state()[key] for key in ("name", "usage", "skipped")})

# %% [markdown]
# ## Run it: swap without stopping
#
# The next model is published, *and wines go on coming all the time*: five at a time until the server says that the
# new model is active, then 50 more. Nobody stops, nobody waits.


# %%
def swap_under_load(model: ModelDescriptor) -> range:
    """Returns the numbers of the wines that were published meanwhile."""

    def becomes_active() -> bool:
        publish(5)
        return state().get("name") == model.name

    first = len(sent)
    publish_model(model)
    wait_until(becomes_active, f"{model.name} was active")
    publish(50)
    scene.wait_until_drained()
    return range(first, len(sent))


first_swap = swap_under_load(in_onnx)
print("now active:", state()["name"])

# %% [markdown]
# Every score names its record and its model. So Kafka itself can tell whether a wine was left out, scored twice, or
# scored by the old model after the new one had begun.

# %%
import itertools
from collections import Counter

from experiments.scene import PARTITIONS
from protobufs.serving_result_pb2 import ServingResult


def read_scores() -> list[ServingResult]:
    parts = [walk.read(scene.topics.scores, partition) for partition in range(PARTITIONS)]
    return [ServingResult.FromString(message.value() or b"") for part in parts for message in part]


def account(scores: list[ServingResult]) -> None:
    times = Counter(score.record_id for score in scores)
    missing, twice = sum(not times[each] for each in sent[20:]), sum(n > 1 for n in times.values())
    print(f"without a score: {missing}, scored twice: {twice}")
    for partition in range(PARTITIONS):
        of_this = [score for score in scores if score.source_partition == partition]
        names = [name for name, _ in itertools.groupby(score.model_name for score in of_this)]
        offsets = [score.source_offset for score in of_this]
        gaps = sum(later != earlier + 1 for earlier, later in itertools.pairwise(offsets))
        print(f"partition {partition}: {' -> '.join(names)}, gaps: {gaps}")


account(read_scores())

# %% [markdown]
# First the PMML model, then the ONNX model, and never back: in each partition the swap is one point in the log. No
# gap: the old model scored while the new one was tried and loaded in the background.

# %% [markdown]
# ## Run it: a composed model as one file
#
# Real models come in steps. A network wants its features on one scale, so a *scaler* stands before it:
#
# ```text
#   scaled = (wine - mean) / deviation            the scaler: two vectors of 11 numbers
#   hidden = max(scaled . kernel + bias, 0)       32 hidden units (Relu)
#   score  = hidden . last + shift
# ```
#
# For simplicity the hidden layer is random, and only the last layer is learnt, by least squares again.

# %%
random = np.random.default_rng(5)
mean, deviation = tasted.features.mean(axis=0), tasted.features.std(axis=0)
kernel, bias = random.normal(size=(len(WINE), 32)) / np.sqrt(len(WINE)), random.normal(size=32) / 2

hidden = np.maximum((tasted.features - mean) / deviation @ kernel + bias, 0)
*last, shift = np.linalg.lstsq(np.column_stack([hidden, np.ones(8_000)]), tasted.quality, rcond=None)[0]

scaler = [
    helper.make_node("Sub", ["wines", "mean"], ["centred"]),
    helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
]

# %%


def network(given: str) -> list[Any]:
    return [
        helper.make_node("Gemm", [given, "kernel", "bias"], ["drive"]),
        helper.make_node("Relu", ["drive"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "last", "shift"], ["score"]),
    ]


layers = {"kernel": kernel, "bias": bias, "last": np.array(last)[:, None], "shift": [shift]}
composed = ModelDescriptor(
    name="scaler-network",
    dataType="wine",
    modeltype="ONNX",
    data=onnx_file([*scaler, *network("scaled")], {"mean": mean, "deviation": deviation, **layers}),
)
without_scaler = ModelDescriptor(
    name="network-alone",
    dataType="wine",
    modeltype="ONNX",
    data=onnx_file(network("wines"), layers),
)

# %% [markdown]
# Why one file? Because the second model below is the same network, and somebody forgot to ship its scaler with it:

# %%
assert held_out.quality is not None
print("model              mean score   typical error")
for descriptor in (in_onnx, composed, without_scaler):
    predicted = load(descriptor).model.score(held_out.features)
    error = np.sqrt(np.mean((predicted - held_out.quality) ** 2))
    print(f"{descriptor.name:16} {predicted.mean():12.2f} {error:15.2f}")
print(f"(always the mean)  {held_out.quality.mean():10.2f} {held_out.quality.std():15.2f}")

# %% [markdown]
# Nothing in that file is wrong, and no loader can refuse it: without its scaler the network is just another model,
# and a useless one. What belongs together travels together. The swap to the composed model, under load as before:

# %%
second_swap = swap_under_load(composed)
served, published = read_scores(), sent[20:]
account(served)

# %% tags=["measured"]
from matplotlib import pyplot

from experiments.plots import figure

_, axes = figure("Two swaps under load", "wine, in the order of publishing", "score (quality)")
for name in (in_pmml.name, in_onnx.name, composed.name):
    points = [(int(score.record_id[5:]), score.value) for score in served if score.model_name == name]
    axes.plot(*zip(*points, strict=True), ".", markersize=4, label=name)
axes.legend(loc="upper left", ncols=3, markerscale=2.5)
axes.set_ylim(3, 9)
pyplot.show()
assert all(0 < score.value < 10 for score in served), "the band: the tasters' scale"

# %% tags=["measured"]
scored_ms = {score.record_id: score.scored_ts for score in served}
for name, swap in ((in_onnx.name, first_swap), (composed.name, second_swap)):
    times_ms = sorted(scored_ms[sent[each]] for each in swap)
    pause_ms = max(later - earlier for earlier, later in itertools.pairwise(times_ms))
    print(f"swap to {name}: {len(swap)} wines meanwhile, longest pause between scores {pause_ms} ms")
    assert pause_ms < 10_000, "the band: less than 10 s, on a busy machine too"

# %% [markdown]
# ## What you should see
#
# Each wine has one score, and each partition has the three models in their order. From blue to orange the scores go
# on as before, for both files say the same formula. Around a swap two colours mix a little: partitions are fetched
# one by one, so a wine can be scored before an earlier one of another partition. Order is a promise within a
# partition, and across them there is none.

# %% [markdown]
# ## Try this
#
# **1. The same in double.** Give `onnx_file` the precision `np.float64`: then ONNX and the formula agree in twelve
# decimals. (The file has 11 weights of 8 bytes instead of 4; the server takes both.)

# %% tags=["try-this"]
in_double = onnx_file(formula, {"weights": column, "intercept": [intercept]}, precision=np.float64)
by_double = load(ModelDescriptor(name="double", dataType="wine", modeltype="ONNX", data=in_double)).model
assert np.abs(by_double.score(held_out.features) - by_hand).max() < 1e-12

# %% [markdown]
# **2. Publish half a file.** `publish_model` a descriptor named `half` with `data=onnx[:150]`. Then read what the
# server says to it: the headers of `walk.read(scene.topics.dead_letters)`. You will find the reason, *is no ONNX
# model (protobuf), or not all of one*, and `state()["name"]` still names the model before.

# %% tags=["try-this"]
publish_model(ModelDescriptor(name="half", dataType="wine", modeltype="ONNX", data=onnx[:150]))
wait_until(lambda: len(walk.read(scene.topics.dead_letters)) == 1, "a dead letter")
reason = dict(walk.read(scene.topics.dead_letters)[0].headers() or [])["reason"]
assert "is no ONNX model (protobuf), or not all of one" in str(reason)
assert state()["name"] == composed.name

# %% [markdown]
# **3. Serve the network without its scaler.** `swap_under_load(without_scaler)`: the server takes it, for it is a
# good model of other numbers. About one in five of its scores lies below 0, on a scale from 0 to 10, and only
# somebody who looks at scores will notice. Then `swap_under_load(composed)` again: that is all there is to a
# roll-back.

# %% tags=["try-this"]
swap_under_load(without_scaler)
useless = np.array([score.value for score in read_scores() if score.model_name == without_scaler.name])
assert 0.05 < np.mean(useless < 0) < 0.5
swap_under_load(composed)
assert state()["name"] == composed.name

# %% [markdown]
# ## What production does
#
# - **Tries a model before it serves.** Here each model scores 23 typical wines in a process of its own first,
#   within 60 s and 2 GB ([models](../docs/models.md)). A file can bring its own check: PMML has
#   `ModelVerification`, rows with the scores that they must get; for ONNX one ships such rows beside the file.
# - **Loads the new one before it lets the old one go.** TensorFlow Serving calls that *Availability Preserving
#   Policy* ("Architecture"), and Triton reloads "without any loss in availability" ("Model Management"). Both
#   models are in memory for a moment: the other policy, for machines without that memory, has a gap.
# - **Compares before it trusts.** Agreeing formats, a canary (some of the traffic), a shadow (all of it, its scores
#   are only looked at). On a stream a shadow is a second consumer group: it gets every record, and disturbs nobody.
# - **Knows which model gave a score.** With several instances of a server each swaps at its own moment, so there is
#   no *one* point of the swap in all partitions; the model's name in every score is what makes it accountable.
# - **Exports pipelines whole.** skl2onnx writes a scikit-learn pipeline, scaler and all, as one graph ("Convert a
#   pipeline"). Mind `float32` where a model has jumps: a tree can give quite another score on the other side of a
#   threshold ("Issues when switching to float").
#
# **Exercises that fit next:** `mf-1` and `mf-2` (models arrive), then `st-1` (a record without a model).

# %% [markdown]
# ## What we have seen

# %%
assert np.abs(by_pmml - by_hand).max() < 1e-12, "the PMML file says what the formula says"
assert np.abs(by_onnx - by_hand).max() < 1e-5, "so does the ONNX file, in single precision"

once = Counter(score.record_id for score in served)
assert once == Counter(published), "every wine after the first model has exactly one score"
for partition in range(PARTITIONS):
    of_partition = [score for score in served if score.source_partition == partition]
    order = [name for name, _ in itertools.groupby(score.model_name for score in of_partition)]
    assert order == [in_pmml.name, in_onnx.name, composed.name], "old, then new, and never back"

five = held_out.features[:5]
wanted = np.maximum((five - mean) / deviation @ kernel + bias, 0) @ np.array(last) + shift
assert np.abs(load(composed).model.score(five) - wanted).max() < 1e-3, "one file has all steps"
