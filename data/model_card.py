"""The model card of ``data/models``: what each model is, and how well it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import accuracy_score, r2_score

from client.wines.source import Wines
from client.wines.uci_csv import CsvWines


@dataclass(frozen=True, slots=True)
class Figures:
    """One model's line of the manifest and its quality on two sets of wines."""

    entry: dict[str, Any]
    metric: str  # "R2", or "accuracy" for a classifier
    held_out: float
    real: float | None  # None: not measured on the real wines


def all_wines(path: Path) -> Wines:
    """All wines of a file.

    Raises:
        WineFileUnreadable, WineLineRejected: it has none, or something else.
    """
    source = CsvWines(path)
    return source.batch(len(source))


def measure(
    fitted: Any, columns: list[int], held_out: Wines, real_wines: Wines | None
) -> tuple[str, float, float | None]:
    """Metric, figure on held-out generated wines, figure on the real wines (None without them)."""
    name, metric = ("accuracy", accuracy_score) if hasattr(fitted, "classes_") else ("R2", r2_score)

    def on(wines: Wines) -> float:
        return float(metric(wines.quality, fitted.predict(wines.features[:, columns])))

    return name, on(held_out), None if real_wines is None else on(real_wines)


def card(figures: Sequence[Figures], saved: dict[str, Any]) -> str:
    """The card as Markdown; ``saved`` is the manifest's entry of the SavedModel."""
    rows = [
        f"| `{each.entry['name']}` | {each.entry['description']} | {each.entry['type']} | {each.metric} "
        f"| {each.held_out:.2f} | {'not measured' if each.real is None else f'{each.real:.2f}'} "
        f"| {each.entry['size']:,} | `{each.entry['file']}` |"
        for each in figures
    ]
    sums = [f"{each.entry['sha256']}  {each.entry['file']}" for each in figures]
    sums.append(f"{saved['sha256']}  needs-tensorflow/{saved['file']}")
    return CARD.format(rows="\n".join(rows), sums="\n".join(sums), saved=saved)


CARD = """# Models of wine quality

Written by `make models REAL_WINES=winequality-red.csv` (`data/train_models.py`); the tests compare. Seven models of the
quality of a red wine, a label from 3 to 8 that tasters gave, from its 11 measurements. They are to be told apart on a
stream, not to be the best.

| name | model | format | metric | generated wines | real wines | bytes | file |
|---|---|---|---|---|---|---|---|
{rows}

- **Training data**: 8,000 generated wines (`client/wines/source.py`), which have the marginals and the rank
  correlations of the real red wines and nothing else of theirs: what depends on three features at once is not in them.
- **Generated wines**: 4,000 more, from another seed. **Real wines**: all 1,599 red ones; no model has seen any of them.
  R2: share of the labels' variance that is explained. Accuracy: share of labels met; always saying 5 would give 0.43.
- **Use**: feature columns in the order of `WineRecord`; ONNX models take one float32 tensor `[N, 11]`, PMML models
  their fields by name. `expected_scores.json` has 20 wines and what scikit-learn itself makes of them.
- **PMML** models are compiled to numpy (`model/formats/pmml/`) and need no Java: all that is in these files is known
  there. A server says so when one of them starts serving; for what else there is in PMML see `docs/models.md`.
- **The network** is a frozen TensorFlow graph (`GraphDef`) with Keras's names of TensorFlow 1, from the placeholder
  `dense_1_input` to `dense_3/Sigmoid`: one output for each quality from 0 to 10; the score is the index of the largest.
  Its hidden layers are random and its output layer is fitted by least squares (`data/wine_network.py`). A server turns
  it into ONNX, without TensorFlow.
- **`needs-tensorflow/`** has the same network as a SavedModel ({saved[size]:,} bytes), for servers with the extra
  `tensorflow`: `python -m client.provider --models-dir data/models/needs-tensorflow`. Others refuse it.
- **Reproducible**: same seeds, same library versions (`constraints.txt`), same bytes. Coefficients are rounded to six
  digits, the network's to five, and the leaves of forests to four decimals before export; the PMML time stamp is taken
  out.

## Source and licence

The models derive from `data/wine-statistics.json`: P. Cortez, A. Cerdeira, F. Almeida, T. Matos, J. Reis, "Modeling
wine preferences by data mining from physicochemical properties", Decision Support Systems 47(4), 2009; data set "Wine
Quality", UCI Machine Learning Repository, CC BY 4.0. The models are under this project's licence, Apache-2.0.

## SHA-256

```
{sums}
```
"""
