"""Frozen graphs of dense networks, rewritten as ONNX, so that onnxruntime serves them, without TensorFlow.

Every tensor of such a graph is a constant or a batch: one row for each wine. What holds for a batch of any length can
therefore be checked before the first wine comes.
"""

from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.features import WINE
from model.formats.tensorflow.frozen_graph import Constants, FrozenGraph, NeedsTensorFlow, attribute, source_of
from protobufs.frozen_graph_pb2 import DT_FLOAT, NodeDef

FLOAT = {"T"}
ATTRIBUTES = {
    "Const": {"dtype", "value"},
    "Placeholder": {"dtype", "shape"},
    "NoOp": set[str](),
    "Identity": FLOAT,
    "MatMul": FLOAT | {"transpose_a", "transpose_b", "grad_a", "grad_b"},
    "BiasAdd": FLOAT | {"data_format"},
    "Add": FLOAT,
    "AddV2": FLOAT,
    "Relu": FLOAT,
    "Sigmoid": FLOAT,
    "Softmax": FLOAT,
    "Tanh": FLOAT,
}
"""The operations that are converted, each with the attributes that are known here; the last four keep their names."""

INPUTS = {"Const": 0, "Placeholder": 0, "NoOp": 0, "MatMul": 2, "BiasAdd": 2, "Add": 2, "AddV2": 2}
"""How many results of other nodes an operation takes; one, if it is not listed."""


@dataclass(frozen=True, slots=True)
class _Constant:
    name: str
    numbers: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Batch:
    name: str  # of the ONNX tensor [N, width]
    width: int


def to_onnx(graph: FrozenGraph) -> bytes:
    """The same network as an ONNX model with one score per wine: the only output, or the index of the largest one.

    Raises:
        NeedsTensorFlow: it is more than a dense network.
        ValueError: it contradicts itself, or claims more than it holds.
    """
    for node in graph.nodes.values():
        _check_known(node)
    sources = {name: [source_of(given) for given in node.input] for name, node in graph.nodes.items()}
    try:
        order = list(TopologicalSorter(sources).static_order())
    except CycleError:
        raise ValueError("goes round in circles: a node depends on its own result") from None
    conversion = _Conversion()
    for name in order:
        conversion.add(graph.nodes[name])
    return conversion.scoring(graph.result)


def _check_known(node: NodeDef) -> None:
    if node.op not in ATTRIBUTES:
        raise NeedsTensorFlow(f"the operation {node.op} (node {node.name!r})")
    # An underscore marks what other programs noted for themselves.
    known = ATTRIBUTES[node.op]
    if unknown := sorted(key for key in node.attr if key not in known and not key.startswith("_")):
        raise NeedsTensorFlow(f"the attribute {unknown[0]!r} of {node.op} (node {node.name!r})")
    for key in {"T", "dtype"} & known:
        if attribute(node, key).type != DT_FLOAT:
            raise NeedsTensorFlow(f"another number than float in {node.op} (node {node.name!r})")
    if attribute(node, "transpose_a").b or attribute(node, "data_format").s not in (b"", b"NHWC"):
        raise NeedsTensorFlow(f"{node.op} of columns instead of rows (node {node.name!r})")
    count = sum(not given.startswith("^") for given in node.input)
    if count != INPUTS.get(node.op, 1) or any(":" in given and not given.endswith(":0") for given in node.input):
        raise ValueError(f"node {node.name!r} does not take what {node.op} takes: {list(node.input)}")


class _Conversion:
    def __init__(self) -> None:
        self._values: dict[str, _Constant | _Batch] = {}
        self._nodes: list[Any] = []
        self._weights: dict[str, Any] = {}
        self._constants = Constants()

    def add(self, node: NodeDef) -> None:
        given = [self._values[source_of(each)] for each in node.input if not each.startswith("^")]
        value: _Constant | _Batch
        match (node.op, *given):
            case ("NoOp",):
                return
            case ("Const",):
                value = _Constant(node.name, self._constants.read(node))
            case ("Placeholder",):
                value = _Batch("wines", len(WINE))
            case ("Identity", (_Constant() | _Batch()) as same):
                value = same
            case ("MatMul", _Batch() as batch, _Constant() as weights):
                value = self._product(node, batch, weights)
            case ("BiasAdd" | "Add" | "AddV2", _Batch() as batch, _Constant() as bias):
                value = self._sum(node, batch, bias)
            case ("Add" | "AddV2", _Constant() as bias, _Batch() as batch):
                value = self._sum(node, batch, bias)
            case ("Add" | "AddV2", _Batch() as batch, _Batch() as other) if batch.width == other.width:
                value = self._result("Add", node, [batch.name, other.name], batch.width)
            case ("Relu" | "Sigmoid" | "Softmax" | "Tanh", _Batch() as batch):
                value = self._result(node.op, node, [batch.name], batch.width)
            case _:
                raise _unfit(node, *given)
        self._values[node.name] = value

    def scoring(self, result: str) -> bytes:
        """The model whose score is this node's result."""
        batch = self._values[result]
        if not isinstance(batch, _Batch):
            raise ValueError(f"its result {result!r} does not depend on the wines")
        score = batch.name
        if batch.width > 1:
            score = self._index_of_largest(batch.name)
        graph = helper.make_graph(
            self._nodes,
            "dense network",
            [helper.make_tensor_value_info("wines", TensorProto.FLOAT, [None, len(WINE)])],
            [helper.make_tensor_value_info(score, TensorProto.FLOAT, [None, 1] if score == batch.name else [None])],
            list(self._weights.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        content: bytes = model.SerializeToString()
        return content

    def _product(self, node: NodeDef, batch: _Batch, weights: _Constant) -> _Batch:
        transposed = attribute(node, "transpose_b").b
        matrix = weights.numbers.T if transposed else weights.numbers
        if matrix.ndim != 2 or len(matrix) != batch.width:
            raise _unfit(node, batch, weights)
        name = self._weight(weights.name + (":T" if transposed else ""), matrix)
        return self._result("MatMul", node, [batch.name, name], matrix.shape[1])

    def _sum(self, node: NodeDef, batch: _Batch, bias: _Constant) -> _Batch:
        row, one = bias.numbers.shape in ((batch.width,), (1, batch.width)), bias.numbers.size == 1
        if not (row or one) or (node.op == "BiasAdd" and bias.numbers.shape != (batch.width,)):
            raise _unfit(node, batch, bias)
        return self._result("Add", node, [batch.name, self._weight(bias.name, bias.numbers)], batch.width)

    def _index_of_largest(self, batch: str) -> str:
        """As a float, so that it can be NaN: where an output is not finite, no index is right."""
        self._weights["zero"] = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero")
        self._weights["columns"] = numpy_helper.from_array(np.array([1]), "columns")
        self._nodes += [
            helper.make_node("ArgMax", [batch], ["largest"], axis=1, keepdims=0),
            helper.make_node("Cast", ["largest"], ["index"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [batch, "zero"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros", "columns"], ["nothing"], keepdims=0),
            helper.make_node("Add", ["index", "nothing"], ["score"]),
        ]
        return "score"

    def _weight(self, name: str, numbers: NDArray[np.float32]) -> str:
        tensor_name = f"{name}:0"  # TensorFlow's own name for it; the names without a colon are ours
        self._weights[tensor_name] = numpy_helper.from_array(np.ascontiguousarray(numbers), tensor_name)
        return tensor_name

    def _result(self, operator: str, node: NodeDef, inputs: list[str], width: int) -> _Batch:
        self._nodes.append(helper.make_node(operator, inputs, [f"{node.name}:0"]))
        return _Batch(f"{node.name}:0", width)


def _unfit(node: NodeDef, *given: _Constant | _Batch) -> ValueError:
    shapes = [["N", each.width] if isinstance(each, _Batch) else list(each.numbers.shape) for each in given]
    return ValueError(f"node {node.name!r}: {node.op} does not fit {' and '.join(map(str, shapes))}")
