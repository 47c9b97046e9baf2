"""The models in ``data/models`` against what scikit-learn itself makes of 20 wines, and against their manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.provider.shipped_models import shipped_models
from model import registry
from model.features import WINE
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
SAVED = MODELS / "needs-tensorflow"
MAX_BYTES = 900_000  # a message may have 1 MiB by Kafka's default

# Operations in float32, each off by at most 2**-24 of the largest number that takes part:
FLOAT32 = {
    "linear-onnx": 34 * 2.0**-24 * 46,  # round 11 inputs, 11 products, 12 sums; 39.6 - 36.6 * density: none above 46
    "forest-onnx": 61 * 2.0**-24 * 8,  # round and add 30 leaves, divide; a mean of qualities, none above 8
    "boosting-onnx": 201 * 2.0**-24 * 8,  # round and add 100 leaves
}
DOUBLE = 1e-9  # PMML4S and scikit-learn both calculate in double; the order of additions may differ


def loaded(path: Path) -> Any:
    """What a JSON file says."""
    return json.loads(path.read_text(encoding="utf-8"))


MANIFEST: list[dict[str, Any]] = loaded(MODELS / "models.json")
EXPECTED: dict[str, Any] = loaded(MODELS / "expected_scores.json")


@pytest.mark.parametrize("descriptor", shipped_models(), ids=lambda descriptor: descriptor.name)
def test_each_model_scores_as_the_library_that_trained_it(descriptor: ModelDescriptor) -> None:
    wines, expected = np.array(EXPECTED["features"]), np.array(EXPECTED["scores"][descriptor.name])
    assert wines.shape == (20, len(WINE))
    model = registry.load(descriptor).model
    tolerance = FLOAT32.get(descriptor.name, DOUBLE)
    assert model.score(wines) == pytest.approx(expected, rel=0, abs=tolerance)
    one_by_one = np.concatenate([model.score(wine[None, :]) for wine in wines])
    assert one_by_one == pytest.approx(expected, rel=0, abs=tolerance)


def test_the_models_can_be_told_apart_by_their_scores() -> None:
    scores = np.array(list(EXPECTED["scores"].values()))
    differences = np.abs(scores[:, None, :] - scores[None, :, :]).max(axis=2)
    assert differences[np.triu_indices(len(scores), k=1)].min() > 0.1  # a wine for which one decimal shows it


def test_every_format_that_any_server_can_serve_is_there_and_two_classifiers() -> None:
    assert [entry["type"] for entry in MANIFEST] == [*["ONNX", "PMML"] * 3, "TENSORFLOW"]
    whole = [name for name, scores in EXPECTED["scores"].items() if all(score == int(score) for score in scores)]
    assert whole == ["classifier-pmml", "network-tensorflow"]


def test_the_saved_model_is_not_among_what_the_provider_publishes_unasked() -> None:
    assert [descriptor.name for descriptor in shipped_models(SAVED)] == ["network-saved-model"]
    assert not {descriptor.name for descriptor in shipped_models()} & {"network-saved-model"}
    content = (SAVED / "wine-network.saved_model.zip").read_bytes()
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    assert f"{hashlib.sha256(content).hexdigest()}  needs-tensorflow/wine-network.saved_model.zip" in card


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["name"])
def test_manifest_and_card_know_each_file(entry: dict[str, Any]) -> None:
    content = (MODELS / entry["file"]).read_bytes()
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert len(content) == entry["size"] < MAX_BYTES
    assert f"{entry['sha256']}  {entry['file']}" in card
    assert f"| `{entry['name']}` |" in card


def test_no_file_is_there_that_no_program_wrote() -> None:
    written = {entry["file"] for entry in MANIFEST} | {"models.json", "expected_scores.json", "README.md"}
    written |= {"needs-tensorflow", "needs-tensorflow/models.json", "needs-tensorflow/wine-network.saved_model.zip"}
    assert {str(path.relative_to(MODELS)) for path in MODELS.rglob("*")} == written
