"""The same frozen graph converted to ONNX and in TensorFlow itself."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from data.network_graph import Layer, constant, frozen_network, operation, placeholder, serialise
from model import registry
from model.errors import ModelRejected
from model.features import WINE, Features
from model.formats.onnx_model import OnnxModel
from model.formats.tensorflow.dense_network import to_onnx
from model.formats.tensorflow.frozen_graph import read
from model.formats.tensorflow.tensorflow_model import TensorFlowModel
from model.inputs import TYPICAL
from protobufs.frozen_graph_pb2 import GraphDef
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.exploring import examples
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
EXPECTED = json.loads((MODELS / "expected_scores.json").read_text())
WINES: Features = np.array(EXPECTED["features"])
OPERATORS = ("Identity", "Relu", "Sigmoid", "Softmax", "Tanh")


def both(content: bytes) -> tuple[OnnxModel, TensorFlowModel]:
    """Converted, and not."""
    graph = read(content)
    return OnnxModel(to_onnx(graph)), TensorFlowModel.of_frozen_graph(graph)


def outputs_of(content: bytes, wines: Features) -> NDArray[np.float32]:
    """All the outputs of a graph, from TensorFlow's own session."""
    definition = tensorflow.compat.v1.GraphDef.FromString(content)
    graph = read(content)
    with tensorflow.Graph().as_default(), tensorflow.compat.v1.Session() as session:
        tensorflow.graph_util.import_graph_def(definition, name="")
        feed = {f"{graph.wines}:0": wines.astype(np.float32)}
        outputs: NDArray[np.float32] = session.run(f"{graph.result}:0", feed)
        return outputs


def agree(content: bytes, wines: Features) -> None:
    """Both give the same single output within 1e-5, or the same index where two outputs are not as close as that."""
    converted, own = both(content)
    outputs = outputs_of(content, wines)
    if outputs.shape[1] == 1:
        assert converted.score(wines) == pytest.approx(outputs[:, 0].astype(float), rel=1e-5, abs=1e-5)
        assert own.score(wines) == pytest.approx(outputs[:, 0].astype(float), rel=1e-5, abs=1e-5)
        return
    runner_up, largest = np.sort(outputs.astype(float), axis=1)[:, -2:].T
    clear = largest - runner_up > 1e-5 * np.maximum(1, abs(largest))
    assert (converted.score(wines) == own.score(wines))[clear].all()
    assert (own.score(wines) == outputs.argmax(axis=1))[clear].all()


def test_the_shipped_network_scores_the_same_in_both() -> None:
    content = (MODELS / "wine-network.pb").read_bytes()
    for model in both(content):
        assert model.score(WINES).tolist() == EXPECTED["scores"]["network-tensorflow"]
    assert outputs_of(content, WINES).shape == (20, 11)


@st.composite
def networks(draw: st.DrawFn) -> list[Layer]:
    """One to three dense layers; the wines' scale is taken out by the first one's small weights."""
    widths = [len(WINE), *draw(st.lists(st.integers(1, 16), min_size=1, max_size=3))]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    layers: list[Layer] = []
    for number, (taken, width) in enumerate(itertools.pairwise(widths)):
        kernel = random.normal(size=(taken, width)) * (0.02 if number == 0 else 1)
        bias, operator = random.normal(size=width), draw(st.sampled_from(OPERATORS))
        layers.append((kernel.astype(np.float32), bias.astype(np.float32), operator))
    return layers


@settings(max_examples=examples(60))
@given(networks())
def test_any_dense_network_scores_the_same_in_both(layers: list[Layer]) -> None:
    agree(serialise(frozen_network(layers)), WINES)


def test_the_forms_that_other_exporters_write_mean_the_same_in_both() -> None:
    random = np.random.default_rng(3)
    repeated = constant("b", np.zeros(4, dtype=np.float32))
    tensor = repeated.attr["value"].tensor
    tensor.tensor_content = b""
    tensor.float_val.extend([0.5, -2.0])
    nodes = [
        placeholder("x", [-1, 11]),
        constant("w", (random.normal(size=(4, 11)) * 0.02).astype(np.float32)),
        operation("product", "MatMul", "x", "w", transpose_b=True, transpose_a=False),
        repeated,
        operation("sum", "AddV2", "b", "product"),
        operation("twice", "AddV2", "sum", "product"),
        operation("bent", "Tanh", "twice"),
        constant("v", random.normal(size=(4, 1)).astype(np.float32)),
        operation("y", "MatMul", "bent", "v", transpose_a=False, transpose_b=False),
    ]
    agree(serialise(GraphDef(node=nodes)), WINES)


def keras_graph(*layers: Any) -> bytes:
    """A Keras model, frozen by TensorFlow."""
    model = tensorflow.keras.Sequential([tensorflow.keras.Input((11,)), *layers])
    function = tensorflow.function(lambda wines: model(wines)).get_concrete_function(
        tensorflow.TensorSpec([None, 11], tensorflow.float32)
    )
    content: bytes = convert_variables_to_constants_v2(function).graph.as_graph_def().SerializeToString()
    return content


@pytest.mark.parametrize("outputs", [1, 6])
def test_a_network_that_keras_made_and_tensorflow_froze_is_converted(outputs: int) -> None:
    dense = tensorflow.keras.layers.Dense
    content = keras_graph(dense(16, "relu"), dense(8, "tanh"), dense(outputs, "sigmoid"))
    agree(content, WINES / 20)


def test_a_graph_of_other_operations_is_served_by_tensorflow() -> None:
    dense = tensorflow.keras.layers.Dense
    content = keras_graph(dense(16, "elu"), dense(1, "softplus"))
    loaded = registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=content))
    assert loaded.scored_by == "by TensorFlow"
    assert loaded.model.score(WINES) == pytest.approx(outputs_of(content, WINES)[:, 0].astype(float), rel=1e-6)
    loaded.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        loaded.model.score(WINES)


def test_a_graph_that_reads_a_file_is_refused_also_with_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with tensorflow.Graph().as_default() as graph:
        wines = tensorflow.compat.v1.placeholder(tensorflow.float32, [None, 11])
        size = tensorflow.strings.length(tensorflow.io.read_file(str(tmp_path / "secret")))
        tensorflow.reduce_sum(wines, axis=1) + tensorflow.cast(size, tensorflow.float32)
    content = graph.as_graph_def().SerializeToString()
    with pytest.raises(ModelRejected, match=r"has the operation (ReadFile|StringLength) .*; export to ONNX"):
        registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=content))


def test_outputs_that_are_not_finite_have_no_largest_in_both() -> None:
    huge: Layer = (np.full((11, 2), 3e38, dtype=np.float32), np.zeros(2, dtype=np.float32), "Relu")
    less: Layer = (np.array([[1, 1], [-1, -1]], dtype=np.float32), np.zeros(2, dtype=np.float32), "Sigmoid")
    for model in both(serialise(frozen_network([huge, less]))):
        assert np.isnan(model.score(TYPICAL)).all()
