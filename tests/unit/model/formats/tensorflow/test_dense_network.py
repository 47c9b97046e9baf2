"""Frozen graphs of dense networks against the same network calculated here, in double precision."""

from typing import Any

import numpy as np
import pytest

from data.network_graph import Layer, constant, frozen_network, operation, placeholder, serialise
from model import registry
from model.features import Values
from model.formats.onnx_model import OnnxModel
from model.formats.tensorflow.dense_network import to_onnx
from model.formats.tensorflow.frozen_graph import read
from model.inputs import TYPICAL
from protobufs.frozen_graph_pb2 import GraphDef, NodeDef
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.frozen_graphs import GOOD, NETWORK, RANDOM, SCALE, calculated, layer, matrix, node_of


def served(nodes: list[NodeDef] | GraphDef) -> OnnxModel:
    """The model that serves a graph."""
    graph = nodes if isinstance(nodes, GraphDef) else GraphDef(node=nodes)
    return OnnxModel(to_onnx(read(serialise(graph))))


@pytest.mark.parametrize("operator", ["Identity", "Relu", "Sigmoid", "Tanh", "Softmax"])
def test_a_single_output_is_the_score(operator: str) -> None:
    layers = [layer(11, 8, operator), layer(8, 1, "Sigmoid")]
    assert served(frozen_network(layers)).score(TYPICAL) == pytest.approx(calculated(layers, TYPICAL)[:, 0], abs=1e-5)


def test_of_several_outputs_the_index_of_the_largest_is_the_score() -> None:
    wines = TYPICAL[0] * RANDOM.uniform(0.5, 1.5, size=(200, 11))
    outputs = calculated(NETWORK, wines)
    runner_up, largest = np.sort(outputs, axis=1)[:, -2:].T
    clear = largest - runner_up > 1e-5
    assert len(set(outputs.argmax(axis=1)[clear])) > 1
    scores = served(frozen_network(NETWORK)).score(wines)
    assert scores[clear].tolist() == outputs.argmax(axis=1)[clear].tolist()


def test_the_registry_serves_it_and_says_by_what() -> None:
    loaded = registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=GOOD))
    assert (loaded.model_type, loaded.scored_by) == ("TENSORFLOW", "converted to ONNX")


def test_of_equal_outputs_the_first_counts() -> None:
    zeros: Layer = (np.zeros((11, 3), dtype=np.float32), np.array([1, 2, 2], dtype=np.float32), "Identity")
    assert served(frozen_network([zeros])).score(TYPICAL).tolist() == [1.0, 1.0, 1.0]


def test_outputs_that_are_not_finite_have_no_largest() -> None:
    huge: Layer = (np.full((11, 2), 3e38, dtype=np.float32), np.zeros(2, dtype=np.float32), "Relu")
    less: Layer = (np.array([[1, 1], [-1, -1]], dtype=np.float32), np.zeros(2, dtype=np.float32), "Sigmoid")
    assert np.isnan(served(frozen_network([huge, less])).score(TYPICAL)).all()  # infinite less infinite


def graph_of_all_forms() -> tuple[GraphDef, Values]:
    """A graph with what other exporters write: a transposed product, both sums, control inputs, a skip connection."""
    w, b, v = matrix(4, 11) * SCALE, matrix(1, 4), matrix(4, 1)
    nodes = [
        placeholder("x", []),
        constant("w", w),
        operation("w/read", "Identity", "w"),
        operation("product", "MatMul", "x:0", "w/read:0", transpose_b=True, transpose_a=False, grad_a=True),
        constant("b", b),
        operation("sum", "AddV2", "b", "product"),
        operation("twice", "Add", "sum", "sum"),
        constant("v", v),
        operation("out", "MatMul", "twice", "v", "^nothing"),
        NodeDef(name="nothing", op="NoOp", input=["^product"]),
    ]
    nodes[6].attr["_output_shapes"].s = b"noted by another program"
    wines = TYPICAL @ w.T.astype(np.float64) + b
    return GraphDef(node=reversed(nodes)), (2 * wines @ v.astype(np.float64))[:, 0]


def test_other_exporters_forms_are_understood_in_any_order_of_nodes() -> None:
    graph, expected = graph_of_all_forms()
    assert served(graph).score(TYPICAL) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("listed", "meant"), [([], [0, 0, 0]), ([2], [2, 2, 2]), ([1, 4], [1, 4, 4])])
def test_numbers_left_out_repeat_the_last_one(listed: list[float], meant: list[float]) -> None:
    zeros: Layer = (np.zeros((11, 3), dtype=np.float32), np.zeros(3, dtype=np.float32), "Identity")
    total: Layer = (np.ones((3, 1), dtype=np.float32), np.zeros(1, dtype=np.float32), "Identity")
    graph = frozen_network([zeros, total])
    tensor = node_of(graph, "dense_1/bias").attr["value"].tensor
    tensor.tensor_content = b""
    tensor.float_val.extend(listed)
    assert served(graph).score(TYPICAL).tolist() == [sum(meant)] * 3


def test_aliases_of_one_constant_do_not_multiply_it() -> None:
    kernel = matrix(11, 1000)
    nodes: list[Any] = [placeholder("x", [-1, 11]), constant("w", kernel)]
    names = ["w", *(f"alias{i}" for i in range(50))]
    nodes += [operation(name, "Identity", "w") for name in names[1:]]
    nodes += [operation(f"h{i}", "MatMul", "x", name) for i, name in enumerate(names)]
    nodes += [operation("s1", "Add", "h0", "h1")]
    nodes += [operation(f"s{i}", "Add", f"s{i - 1}", f"h{i}") for i in range(2, len(names))]
    assert len(to_onnx(read(serialise(GraphDef(node=nodes))))) < 2 * kernel.nbytes


def test_a_graph_that_has_been_converted_is_as_it_was() -> None:
    graph = read(GOOD)
    assert to_onnx(graph) == to_onnx(graph)
    assert serialise(graph.definition) == GOOD
