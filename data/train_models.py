"""Train the models in ``data/models`` and write their manifest, their expected scores and their card.

``make models REAL_WINES=winequality-red.csv`` runs it; the same seeds and library versions give the same files, byte by
byte. What depends on the last bits of one processor's arithmetic (coefficients, leaf values) is therefore rounded
before it is exported.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn2pmml.pipeline import PMMLPipeline

from client.wines.source import GeneratedWines
from data.model_card import Figures, all_wines, card, measure
from data.network_graph import frozen_network, saved_model, serialise
from data.pmml_export import to_pmml
from data.wine_network import WineNetwork
from model.errors import ServingError
from model.features import WINE

ROOT = Path(__file__).resolve().parent.parent
DATA_TYPE = "wine"
TRAINING_SEED, HELD_OUT_SEED, EXPECTED_SEED = 2009, 2010, 2011
TRAINING_WINES, HELD_OUT_WINES, EXPECTED_WINES = 8000, 4000, 20
BEST_THREE = ("volatile_acidity", "sulphates", "alcohol")
"""The features with the largest rank correlation with quality in ``wine-statistics.json``."""

OPSETS = {"": 17, "ai.onnx.ml": 3}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is made."""

    name: str
    file: str
    description: str
    estimator: Callable[[], Any]
    features: tuple[str, ...] = WINE

    @property
    def format(self) -> str:
        """The name of its format in ``ModelDescriptor.ModelType``."""
        return {".onnx": "ONNX", ".pmml": "PMML", ".pb": "TENSORFLOW", ".zip": "TENSORFLOWSAVED"}[
            Path(self.file).suffix
        ]


RECIPES = (
    Recipe("linear-onnx", "wine-linear.onnx", "linear regression on 11 features", LinearRegression),
    Recipe(
        "forest-pmml",
        "wine-forest.pmml",
        "random forest, 20 trees of depth 7",
        lambda: RandomForestRegressor(n_estimators=20, max_depth=7, min_samples_leaf=5, random_state=1),
    ),
    Recipe(
        "boosting-onnx",
        "wine-gradient-boosting.onnx",
        "gradient boosting, 100 trees of depth 3",
        lambda: GradientBoostingRegressor(n_estimators=100, max_depth=3, random_state=2),
    ),
    Recipe(
        "classifier-pmml",
        "wine-classifier.pmml",
        "decision tree of depth 6, gives whole qualities",
        lambda: DecisionTreeClassifier(max_depth=6, min_samples_leaf=20, random_state=3),
    ),
    Recipe(
        "forest-onnx",
        "wine-forest.onnx",
        "random forest, 30 trees of depth 8",
        lambda: RandomForestRegressor(n_estimators=30, max_depth=8, min_samples_leaf=5, random_state=4),
    ),
    Recipe("linear-pmml", "wine-linear.pmml", "linear regression on 3 features", LinearRegression, BEST_THREE),
    Recipe(
        "network-tensorflow",
        "wine-network.pb",
        "dense network 11-64-32-11, gives whole qualities",
        lambda: WineNetwork(seed=5),
    ),
)
"""In the order in which the provider publishes them: neighbours differ in kind and in format."""

SAVED = Recipe(
    "network-saved-model",
    "wine-network.saved_model.zip",
    "the network of wine-network.pb as a SavedModel",
    lambda: WineNetwork(seed=5),
)
"""In a directory of its own, because a server needs TensorFlow for it."""

NEEDS_TENSORFLOW = "needs-tensorflow"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all models into ``--output``; measure them on held-out generated wines, and on the real ones if given."""
    parser = argparse.ArgumentParser(prog="python -m data.train_models", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "models", help="default: %(default)s")
    parser.add_argument(
        "--real-wines",
        type=Path,
        help="winequality-red.csv of UCI's data set Wine Quality; default: not measured on it",
    )
    options = parser.parse_args(arguments)
    try:
        real_wines = None if options.real_wines is None else all_wines(options.real_wines)
    except ServingError as error:
        parser.error(str(error))
    (options.output / NEEDS_TENSORFLOW).mkdir(parents=True, exist_ok=True)
    training = GeneratedWines(TRAINING_SEED).batch(TRAINING_WINES)
    held_out = GeneratedWines(HELD_OUT_SEED).batch(HELD_OUT_WINES)
    expected = GeneratedWines(EXPECTED_SEED).batch(EXPECTED_WINES).features
    manifest: list[dict[str, Any]] = []
    scores: dict[str, list[float]] = {}
    figures: list[Figures] = []
    for recipe in RECIPES:
        columns = [WINE.index(feature) for feature in recipe.features]
        fitted = _round(recipe.estimator().fit(training.features[:, columns], training.quality))
        path = options.output / recipe.file
        path.write_bytes(_export(fitted, recipe))
        manifest.append(_entry(recipe, path))
        scores[recipe.name] = [float(score) for score in fitted.predict(expected[:, columns])]
        figures.append(Figures(manifest[-1], *measure(fitted, columns, held_out, real_wines)))
        print(f"{path}: {figures[-1].metric} {figures[-1].held_out:.2f}, {manifest[-1]['size']:,} bytes")
    _write_json(options.output / "models.json", manifest)
    saved = options.output / NEEDS_TENSORFLOW / SAVED.file
    saved.write_bytes(_export(SAVED.estimator().fit(training.features, training.quality), SAVED))
    _write_json(saved.parent / "models.json", [_entry(SAVED, saved)])
    _write_json(options.output / "expected_scores.json", {"features": expected.tolist(), "scores": scores})
    (options.output / "README.md").write_text(card(figures, _entry(SAVED, saved)), encoding="utf-8")


def _round(fitted: Any) -> Any:
    """The same estimator with its numbers cut to what every processor agrees on."""
    if isinstance(fitted, LinearRegression):
        fitted.coef_ = np.array([float(f"{coefficient:.6g}") for coefficient in fitted.coef_])
        fitted.intercept_ = float(f"{fitted.intercept_:.6g}")
    elif not isinstance(fitted, DecisionTreeClassifier | WineNetwork):
        for tree in np.ravel(fitted.estimators_):
            tree.tree_.value[...] = np.round(tree.tree_.value, 4)
    return fitted


def _export(fitted: Any, recipe: Recipe) -> bytes:
    if recipe.format == "PMML":
        return to_pmml(PMMLPipeline([("estimator", fitted)]), recipe.features).encode()
    if isinstance(fitted, WineNetwork):
        graph = frozen_network(fitted.layers)
        first, last = graph.node[0].name, graph.node[-1].name
        return serialise(graph) if recipe is not SAVED else saved_model(graph, first, last, len(fitted.classes_))
    inputs = [("features", FloatTensorType([None, len(recipe.features)]))]
    exported = to_onnx(fitted, name=recipe.name, initial_types=inputs, target_opset=OPSETS)
    content: bytes = exported.SerializeToString()
    return content


def _entry(recipe: Recipe, path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "name": recipe.name,
        "description": recipe.description,
        "file": recipe.file,
        "type": recipe.format,
        "data_type": DATA_TYPE,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
