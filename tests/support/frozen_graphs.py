"""Dense networks as frozen graphs, for tests of both libraries that serve them."""

import numpy as np
from numpy.typing import NDArray

from data.network_graph import Layer, frozen_network, serialise
from model.features import Features
from protobufs.frozen_graph_pb2 import GraphDef, NodeDef

RANDOM = np.random.default_rng(7)
SCALE = np.array([0.1, 1, 1, 0.5, 10, 0.05, 0.02, 1, 0.3, 1, 0.1], dtype=np.float32)  # makes features numbers near 1


def layer(taken: int, given: int, operator: str) -> Layer:
    """A layer of random weights."""
    kernel = RANDOM.normal(size=(taken, given)).astype(np.float32)
    return (kernel * SCALE[:, None] if taken == 11 else kernel, RANDOM.normal(size=given).astype(np.float32), operator)


def matrix(*shape: int) -> NDArray[np.float32]:
    """Random weights."""
    return RANDOM.normal(size=shape).astype(np.float32)


def after(operator: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the operation means, from its definition."""
    match operator:
        case "Relu":
            return np.maximum(values, 0)
        case "Sigmoid":
            return 1 / (1 + np.exp(-values))
        case "Tanh":
            return np.tanh(values)
        case "Softmax":
            powers = np.exp(values - values.max(axis=1, keepdims=True))
            quotients: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
            return quotients
    return values


def calculated(layers: list[Layer], features: Features) -> NDArray[np.float64]:
    """The network's outputs in double precision."""
    values = features
    for kernel, bias, operator in layers:
        values = after(operator, values @ kernel.astype(np.float64) + bias)
    return values


def node_of(graph: GraphDef, name: str) -> NodeDef:
    """A node, to be changed."""
    return next(node for node in graph.node if node.name == name)


NETWORK = [layer(11, 8, "Relu"), layer(8, 6, "Tanh"), layer(6, 5, "Sigmoid")]
GOOD = serialise(frozen_network(NETWORK))
