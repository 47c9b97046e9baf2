"""What people export from their libraries, served as ONNX: each score is what the library itself predicts.

The models and the predictions are made by ``make exports``.
"""

import json

import numpy as np
import pytest

from model import registry
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.process import ROOT

EXPORTS = ROOT / "tests" / "exports"
EXPECTED = json.loads((EXPORTS / "expected.json").read_text("utf-8"))
FLOAT32 = 1e-6  # all of these models calculate in float32, or are compared with what does


def test_each_export_has_its_predictions() -> None:
    assert {path.stem for path in EXPORTS.glob("*.onnx")} == set(EXPECTED["scores"])
    assert {name.partition("-")[0] for name in EXPECTED["scores"]} == {"sklearn", "xgboost", "lightgbm", "catboost"}
    assert sum(path.stat().st_size for path in EXPORTS.iterdir()) < 300_000


@pytest.mark.parametrize("name", sorted(EXPECTED["scores"]))
def test_an_export_scores_as_its_library_predicts(name: str) -> None:
    content = (EXPORTS / f"{name}.onnx").read_bytes()
    loaded = registry.load(ModelDescriptor(name=name, dataType="wine", modeltype="ONNX", data=content))
    scores = loaded.model.score(np.array(EXPECTED["features"]))
    expected = EXPECTED["scores"][name]
    if len(set(expected)) < 10:  # labels
        assert scores.tolist() == expected
    else:
        assert scores == pytest.approx(expected, rel=FLOAT32)
