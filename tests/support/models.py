"""Small models whose scores anybody can work out, written as ONNX graphs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from model.features import WINE, Features, Values

WIDE = 1500


def times_alcohol(factor: float, padding: int = 0) -> bytes:
    """A model that scores a wine's alcohol times ``factor``, with so many bytes that change nothing."""
    weights = np.zeros((len(WINE), 1), dtype=np.float32)
    weights[WINE.index("alcohol")] = factor
    return _serialised([helper.make_node("MatMul", ["wines", "weights"], ["scores"])], {"weights": weights}, padding)


@dataclass(frozen=True)
class TimesAlcohol:
    """The same rule in memory, for what is expected of a server."""

    factor: float

    def score(self, features: Features) -> Values:
        """See ``model.model.Model``."""
        values: Values = features[:, WINE.index("alcohol")] * self.factor
        return values

    def close(self) -> None:
        """Nothing to release."""


def slow(factor: float, layers: int = 1) -> bytes:
    """The same scores, at approximately 50 ms per layer for 1,000 wines: through wide layers that change nothing."""
    weights = np.zeros((len(WINE), WIDE), dtype=np.float32)
    weights[WINE.index("alcohol")] = factor
    average = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0 / WIDE])
    nodes = [helper.make_node("MatMul", ["wines", "weights"], ["h0"])]
    nodes.append(helper.make_node("ConstantOfShape", ["shape"], ["mean"], value=average))
    nodes += [helper.make_node("MatMul", [f"h{i}", "mean"], [f"h{i + 1}"]) for i in range(layers)]
    nodes.append(helper.make_node("ReduceMean", [f"h{layers}", "axes"], ["scores"], keepdims=1))
    shape, axes = np.array([WIDE, WIDE], dtype=np.int64), np.array([1], dtype=np.int64)
    return _serialised(nodes, {"weights": weights, "shape": shape, "axes": axes})


def _serialised(nodes: list[NodeProto], constants: dict[str, NDArray[Any]], padding: int = 0) -> bytes:
    graph = helper.make_graph(
        nodes,
        "wines",
        [helper.make_tensor_value_info("wines", TensorProto.FLOAT, [None, len(WINE)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
        doc_string="x" * padding,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    serialised: bytes = model.SerializeToString()
    return serialised
