"""SavedModels that TensorFlow and Keras wrote, as the registry serves them."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow

from client.provider.shipped_models import shipped_models
from model import registry
from model.errors import ModelRejected
from model.features import Features
from model.formats.tensorflow.load import of_saved_directory
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
EXPECTED = json.loads((MODELS / "expected_scores.json").read_text())
WINES: Features = np.array(EXPECTED["features"])
Signature = Callable[..., Any]
WINE_TABLE = tensorflow.TensorSpec([None, 11], tensorflow.float32)


def descriptor(directory: Path) -> ModelDescriptor:
    """The directory as a zip, in a directory of its own name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in directory.rglob("*"):
            archive.write(path, path.relative_to(directory.parent))
    return ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOWSAVED, data=content.getvalue())


def of_function(directory: Path, function: Signature, given: Any = WINE_TABLE, **variables: Any) -> Path:
    """A SavedModel that serves a function."""
    module = tensorflow.Module()
    for name, value in variables.items():
        setattr(module, name, value)
    traced = tensorflow.function(function).get_concrete_function(given)
    tensorflow.saved_model.save(module, str(directory), signatures={"serving_default": traced})
    return directory


def refused(directory: Path) -> str:
    """The registry's reason, one line."""
    with pytest.raises(ModelRejected) as caught:
        registry.load(descriptor(directory))
    assert "\n" not in str(caught.value)
    return caught.value.reason


def test_the_shipped_saved_model_scores_as_the_frozen_graph() -> None:
    (shipped,) = shipped_models(MODELS / "needs-tensorflow")
    assert registry.load(shipped).model.score(WINES).tolist() == EXPECTED["scores"]["network-tensorflow"]


@pytest.mark.parametrize("outputs", [1, 6])
def test_a_saved_model_of_kerass_is_served_with_its_variables(outputs: int, tmp_path: Path) -> None:
    layers = tensorflow.keras.layers
    model = tensorflow.keras.Sequential(
        [tensorflow.keras.Input((11,)), layers.Normalization(), layers.Dense(16, "gelu"), layers.BatchNormalization(),
         layers.Dropout(0.1), layers.Dense(outputs, "softmax" if outputs > 1 else None)]
    )  # fmt: skip
    model.layers[0].adapt(WINES.astype(np.float32))
    model.export(tmp_path / "keras", verbose=False)
    expected = model(WINES.astype(np.float32)).numpy().astype(float)
    scores = registry.load(descriptor(tmp_path / "keras")).model.score(WINES)
    assert scores == pytest.approx(expected[:, 0] if outputs == 1 else expected.argmax(axis=1), abs=1e-5)


def test_a_directory_is_served_after_it_has_gone(tmp_path: Path) -> None:
    weights = tensorflow.Variable(tensorflow.ones([11, 1]))
    directory = of_function(tmp_path / "m", lambda wines: {"q": wines @ weights}, weights=weights)
    model = of_saved_directory(directory)
    directory.rename(tmp_path / "elsewhere")
    assert model.score(WINES) == pytest.approx(WINES.sum(axis=1), rel=1e-6)


def test_an_output_of_one_dimension_is_the_score(tmp_path: Path) -> None:
    directory = of_function(tmp_path / "m", lambda wines: {"q": tensorflow.reduce_max(wines, axis=1)})
    assert registry.load(descriptor(directory)).model.score(WINES) == pytest.approx(WINES.max(axis=1), rel=1e-6)


def spec(shape: list[int | None], kind: Any = tensorflow.float32) -> Any:
    """A signature's input."""
    return tensorflow.TensorSpec(shape, kind)


@pytest.mark.parametrize(
    ("function", "given", "reason"),
    [
        (lambda x: {"q": x}, spec([None, 12]), "its input is a float32 of shape [None, 12] instead of a float32 [None"),
        (lambda x: {"q": x}, spec([1, 11]), "its input is a float32 of shape [1, 11] instead of"),
        (lambda x: {"q": x}, spec([None, 11], tensorflow.int64), "its input is a int64 of shape [None, 11] instead of"),
        (lambda x: {"q": x, "r": x}, WINE_TABLE, "takes 1 inputs and gives 2 outputs; one of each is served"),
        (lambda x: {"q": x[:, :, None]}, WINE_TABLE, "gives an output of shape [23, 11, 1] for 23 records"),
        (lambda x: {"q": x[:1]}, WINE_TABLE, "gives an output of shape [1, 11] for 23 records"),
        (lambda x: {"q": x[:, 0] > 1}, WINE_TABLE, "gives bool, not numbers"),
        (lambda x: {"q": x[:, 0] / 0.0}, WINE_TABLE, "scores typical wines as [inf, inf, inf]; one finite number"),
    ],
)
def test_what_does_not_give_one_number_per_wine_is_refused(
    function: Signature, given: Any, reason: str, tmp_path: Path
) -> None:
    assert refused(of_function(tmp_path / "m", function, given)).startswith(reason)


def test_a_model_without_the_serving_signature_names_those_that_it_has(tmp_path: Path) -> None:
    module = tensorflow.Module()
    traced = tensorflow.function(lambda x: {"q": x}).get_concrete_function(WINE_TABLE)
    tensorflow.saved_model.save(module, str(tmp_path / "m"), signatures={"other": traced})
    assert refused(tmp_path / "m").startswith("has no signature 'serving_default', but: other; ")


def test_a_model_that_writes_a_file_is_refused_and_the_file_not_written(tmp_path: Path) -> None:
    def score(wines: Any) -> dict[str, Any]:
        tensorflow.io.write_file(str(tmp_path / "written"), "x")
        return {"q": wines}

    directory = of_function(tmp_path / "m", score)
    assert "which is not known to leave files and network alone; export to ONNX" in refused(directory)
    assert not (tmp_path / "written").exists()


def test_a_model_with_a_table_of_words_is_refused(tmp_path: Path) -> None:
    table = tensorflow.lookup.StaticHashTable(
        tensorflow.lookup.KeyValueTensorInitializer(tensorflow.constant([1]), tensorflow.constant([2.0])), 0.0
    )
    directory = of_function(tmp_path / "m", lambda wines: {"q": wines + table.lookup(tensorflow.constant([1]))},
                            table=table)  # fmt: skip
    assert refused(directory).startswith("has objects of the kind resource, which can run anything when loaded")


def test_damaged_variables_are_a_refusal(tmp_path: Path) -> None:
    weights = tensorflow.Variable(tensorflow.ones([11, 1]))
    directory = of_function(tmp_path / "m", lambda wines: {"q": wines @ weights}, weights=weights)
    for path in (directory / "variables").iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    assert refused(directory).startswith("TensorFlow cannot load it: ")
