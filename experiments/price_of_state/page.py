"""The page ``docs/experiments/price_of_state.md``, and its plot."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from experiments.markdown import table
from experiments.plots import PALETTE, figure
from experiments.price_of_state.formula import BATCH_HEADER_BYTES, kept_model_bytes
from experiments.price_of_state.measuring import Price

HEAD = (
    "state",
    "model",
    "a write after",
    "records:",
    "predicted, bytes:",
    "measured, bytes:",
    "off by:",
    "changelog, bytes/record:",
    "CPU, µs/record:",
)
MODELS_HEAD = ("the model apart", "predicted, bytes:", "measured, bytes:")
EACH = "each record"
PAGE = """\
# The price of state

<!-- written by: python -m experiments.price_of_state -->
What does it cost to keep state in a changelog: the whole of it in each row, model and counters, or the model apart?
Measured by `python -m experiments price-of-state --records {records} --single-records {single}`, with the same wines
and models; a row is written after each record, as a store of states does by default, or after each batch.

{facts}.

{rows}
![Bytes in the changelog for each record]({plot})

- **whole**: each row has the model and its counters (`experiments/price_of_state/whole/`, made for this measurement
  from `streams_kvstore`). **apart**: `streams_kvstore` as it is: rows have the counters, and the model is in a table
  of its own, written once. **none**: `streams_inmemory`, which has no changelog: its processor time is the price of
  all but state.
- **predicted**: computed and printed before the first server starts, from the settings alone: a write is one row,
  and one produce batch. `bytes = writes * ({header} + record)`, where `writes = records / records per write`; {header}
  is the header of a produce batch (Kafka's message format 2); `record = 4 + lengths + key + value`; the key is such as
  `counters/0/wine` (15 bytes); the value has some 90 bytes of counters and, if it is whole, the model's descriptor and
  some {kept} bytes more. Lengths and numbers take a byte for each 7 bits (`experiments/price_of_state/formula.py`).
  **measured**: what the changelog's logs grew by on the broker's disk. More than 2 % between the two ends the run with
  an error.
- For this to be certain, two things are pinned. `--max-in-flight 1`: a row is acknowledged before the next is written,
  so that each is a produce batch of its own. And nothing is compacted meanwhile (`min.compaction.lag.ms`). With the
  default of two in flight, two rows may share a header: then it is less, never more.
- **CPU**: user and system time of all threads of the server, from the moment at which the wines can be read until all
  are committed; not the broker's. After each record, it is mostly the price of batches of one. Without a model in the
  rows, its size should make no difference to it; measured was up to {noise:.0%}: less means nothing.
- **What follows**: with a write for each record, 1,000 records a second with a model of {largest} in each row are
  {largest_mb_s:,.1f} MB of changelog a second, and {apart_mb_s:,.2f} MB with the model apart. One write for a
  batch of n records divides both by n. A model apart costs its size once, when it is activated.

Once per model, with the model apart:

{models}"""


def page(prices: Sequence[Price], sizes: tuple[int, int], plot: str, facts: str) -> str:
    """The page; ``sizes``: records with a write after each batch, and after each record."""
    rows = [
        (
            f"`{price.case.state}`",
            _model(price),
            _each(price),
            f"{price.case.records:,}",
            f"{price.predicted.rows:,}",
            f"{price.measured.rows:,}",
            f"{price.off:.2%}",
            f"{per_record(price):,.2f}",
            f"{price.cpu_us_per_record:,.1f}",
        )
        for price in prices
    ]
    once = {_model(each): (each.predicted.model, each.measured.model) for each in prices if each.case.state == "apart"}
    models = [(f"`{model}`", f"{predicted:,}", f"{measured:,}") for model, (predicted, measured) in once.items()]
    largest = max(prices, key=per_record)
    return PAGE.format(
        records=sizes[0],
        single=sizes[1],
        facts=facts,
        rows=table(HEAD, rows),
        plot=plot,
        header=BATCH_HEADER_BYTES,
        kept=kept_model_bytes(0, 1),
        noise=_noise(prices),
        largest=_model(largest),
        largest_mb_s=per_record(largest) * 1000 / 1e6,
        apart_mb_s=max(per_record(each) for each in prices if each.case.state == "apart") * 1000 / 1e6,
        models=table(MODELS_HEAD, models),
    )


def draw(prices: Sequence[Price], output: Path) -> None:
    """A bar per case with a changelog, and a mark where it was predicted."""
    shown = [each for each in reversed(prices) if each.case.state != "none"]
    drawn, axes = figure("What one record adds to the changelog", "bytes per record (logarithmic)", "")
    colours = {"apart": PALETTE[0], "whole": PALETTE[1]}
    names = [f"{each.case.state}, {_model(each)}, {_each(each)}" for each in shown]
    axes.barh(names, list(map(per_record, shown)), color=[colours[each.case.state] for each in shown], height=0.6)
    predicted = [each.predicted.rows / each.case.records for each in shown]
    axes.plot(predicted, names, "|", color="black", markersize=16, markeredgewidth=2, label="predicted")
    axes.set_xscale("log")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="upper right")
    drawn.savefig(output)


def per_record(price: Price) -> float:
    """Bytes of rows, measured."""
    return price.measured.rows / price.case.records


def _noise(prices: Sequence[Price]) -> float:
    """The largest difference in processor time, as a share, between models that are in no row."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for price in prices:
        if price.case.state != "whole":
            times[price.case.name].append(price.cpu_us_per_record)
    return max(max(each) / min(each) - 1 for each in times.values())


def _model(price: Price) -> str:
    return f"{price.model_bytes / 1000:g} kB"


def _each(price: Price) -> str:
    return EACH if price.case.batch == 1 else f"{price.case.batch:,} records"
