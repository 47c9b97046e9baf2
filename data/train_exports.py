"""Train small models with the libraries that people use, and export each as its library says: ``make exports``.

They are for tests: what a server makes of an export must be what its library predicts. The libraries are large
(CatBoost: 97 MB) and needed for nothing else, so they are installed in an environment of their own.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from xgboost import XGBClassifier, XGBRegressor

from client.wines.source import GeneratedWines
from model.features import WINE

ROOT = Path(__file__).resolve().parent.parent
TRAINING_SEED, EXPECTED_SEED = 2009, 2012
TRAINING_WINES, EXPECTED_WINES = 2000, 60
OPSET = 15
LOWEST = 3  # XGBoost's labels begin with 0

SMALL = {"n_estimators": 8, "max_depth": 3, "random_state": 1}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all into ``--output``, and write what each predicts for the same wines."""
    parser = argparse.ArgumentParser(prog="python -m data.train_exports", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "tests" / "exports", help="default: %(default)s")
    output: Path = parser.parse_args(arguments).output
    output.mkdir(parents=True, exist_ok=True)
    training = GeneratedWines(TRAINING_SEED).batch(TRAINING_WINES)
    # What all of these libraries read is float32; the wines of the stream are doubles.
    wines = GeneratedWines(EXPECTED_SEED).batch(EXPECTED_WINES).features.astype(np.float32)
    assert training.quality is not None  # generated wines have one
    features, quality = training.features.astype(np.float32), training.quality.astype(np.int64)
    scores: dict[str, list[float]] = {}
    for name, (estimator, export, lowest) in RECIPES.items():
        fitted = estimator().fit(features, quality - lowest)
        (output / f"{name}.onnx").write_bytes(export(fitted))
        scores[name] = [float(score) for score in np.ravel(fitted.predict(wines))]
    expected = {"features": wines.astype(float).tolist(), "scores": scores}
    (output / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


def _by_skl2onnx(fitted: Any) -> bytes:
    inputs = [("features", FloatTensorType([None, len(WINE)]))]
    content: bytes = to_onnx(
        fitted, initial_types=inputs, target_opset={"": OPSET, "ai.onnx.ml": 3}
    ).SerializeToString()
    return content


def _by_onnxmltools(convert: Callable[..., Any]) -> Callable[[Any], bytes]:
    def export(fitted: Any) -> bytes:
        inputs = [("features", ToolsFloat([None, len(WINE)]))]
        content: bytes = convert(fitted, initial_types=inputs, target_opset=OPSET).SerializeToString()
        return content

    return export


def _by_itself(fitted: Any) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        fitted.save_model(str(path), format="onnx")
        return path.read_bytes()


QUIET = {"verbose": False, "allow_writing_files": False, "iterations": 8, "depth": 3, "random_seed": 1}
RECIPES: dict[str, tuple[Callable[[], Any], Callable[[Any], bytes], int]] = {
    "sklearn-logistic": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), _by_skl2onnx, 0
    ),
    "sklearn-forest-classifier": (lambda: RandomForestClassifier(**SMALL), _by_skl2onnx, 0),
    "sklearn-boosting-classifier": (
        lambda: GradientBoostingClassifier(**SMALL), _by_skl2onnx, 0
    ),
    "sklearn-network": (
        lambda: make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), random_state=1, max_iter=300)),
        _by_skl2onnx,
        0,
    ),
    "sklearn-vectors": (lambda: make_pipeline(StandardScaler(), SVR(C=0.01, epsilon=1.0)), _by_skl2onnx, 0),
    "xgboost-regressor": (lambda: XGBRegressor(**SMALL), _by_onnxmltools(convert_xgboost), 0),
    "xgboost-poisson": (
        lambda: XGBRegressor(objective="count:poisson", **SMALL), _by_onnxmltools(convert_xgboost), 0
    ),
    "xgboost-classifier": (lambda: XGBClassifier(**SMALL), _by_onnxmltools(convert_xgboost), LOWEST),
    "lightgbm-regressor": (lambda: LGBMRegressor(verbose=-1, **SMALL), _by_onnxmltools(convert_lightgbm), 0),
    "lightgbm-classifier": (lambda: LGBMClassifier(verbose=-1, **SMALL), _by_onnxmltools(convert_lightgbm), 0),
    "catboost-regressor": (lambda: CatBoostRegressor(**QUIET), _by_itself, 0),
    "catboost-classifier": (lambda: CatBoostClassifier(**QUIET), _by_itself, 0),
}  # fmt: skip
"""By name: the estimator, how it is exported, and what is taken from the labels."""


if __name__ == "__main__":
    main()
