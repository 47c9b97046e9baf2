"""A frozen TensorFlow graph: its operations by name, where the wines go in, and where the score comes out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from model.features import WINE
from protobufs.frozen_graph_pb2 import DT_FLOAT, AttrValue, GraphDef, NodeDef

MAX_NODES = 2000
"""More than any network for 11 features has; that many in a row take about a second to load."""


class NeedsTensorFlow(ValueError):
    """Only TensorFlow itself could serve this model, if at all."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} needs TensorFlow; install the extra on the servers: pip install '.[tensorflow]', or export to ONNX"
        )


@dataclass(frozen=True, slots=True)
class FrozenGraph:
    """A graph with one input and one result; every node's inputs are there."""

    content: bytes  # the file
    definition: GraphDef
    nodes: Mapping[str, NodeDef]
    wines: str  # the name of the placeholder, float [any, 11] as far as it says
    result: str  # the name of the node that no other takes


def read(content: bytes) -> FrozenGraph:
    """A graph from the bytes of its file, its operations not looked at yet.

    Raises:
        ValueError: no GraphDef, not complete, too large, or not of one input and one result.
    """
    try:
        definition = GraphDef.FromString(content)
    except DecodeError:
        raise ValueError("is no frozen TensorFlow graph (GraphDef), or not all of one") from None
    if not 1 <= len(definition.node) <= MAX_NODES:
        raise ValueError(f"has {len(definition.node):,} nodes; a frozen graph of 1 to {MAX_NODES:,} is served")
    nodes = {node.name: node for node in definition.node}
    if len(nodes) < len(definition.node):
        raise ValueError("has two nodes of the same name")
    if bad := [name for name in nodes if not name or name[0] == "^" or ":" in name]:
        raise ValueError(f"has a node named {bad[0][:40]!r}, which no other could take")
    taken = set()
    for node in nodes.values():
        for given in node.input:
            if source_of(given) not in nodes:
                raise ValueError(f"node {node.name!r} takes {given!r}, which the graph does not have")
            taken.add(source_of(given))
    return FrozenGraph(content, definition, nodes, _placeholder(nodes), _result(nodes, taken))


def source_of(given: str) -> str:
    """The node that an input comes from: ``split`` for ``split:1`` and for ``^split``."""
    return given.removeprefix("^").partition(":")[0]


def attribute(node: NodeDef, name: str) -> AttrValue:
    """An attribute, or an empty one; to look it up in the node would put it there."""
    return node.attr[name] if name in node.attr else AttrValue()


def _placeholder(nodes: Mapping[str, NodeDef]) -> str:
    placeholders = [node for node in nodes.values() if node.op == "Placeholder"]
    if len(placeholders) != 1:
        raise ValueError(f"has {_several(placeholders, 'inputs (Placeholder)')}; one of [N, {len(WINE)}] is served")
    (node,) = placeholders
    if attribute(node, "dtype").type != DT_FLOAT:
        raise ValueError(f"its input {node.name!r} is not of float numbers")
    shape = attribute(node, "shape").shape
    sizes = [dim.size for dim in shape.dim]
    # Old graphs leave the shape out; then the operations tell.
    if sizes and (len(sizes) != 2 or sizes[1] not in (-1, len(WINE))):
        raise ValueError(f"its input {node.name!r} has shape {_shape(sizes)} instead of [N, {len(WINE)}]")
    return node.name


def _result(nodes: Mapping[str, NodeDef], taken: set[str]) -> str:
    results = [node for node in nodes.values() if node.name not in taken and node.op != "NoOp"]
    if len(results) != 1:
        raise ValueError(
            f"has {_several(results, 'results')}; one node that no other takes is served as the score: freeze for it"
        )
    return results[0].name


def _several(nodes: list[NodeDef], what: str) -> str:
    names = ", ".join(repr(node.name[:40]) for node in nodes[:3])
    return f"{len(nodes)} {what}: {names}{', ...' if len(nodes) > 3 else ''}" if nodes else f"no {what}"


def _shape(sizes: list[int]) -> str:
    return f"[{', '.join('N' if size < 0 else str(size) for size in sizes[:8])}]"


MAX_WIDTH = 4096
MAX_REPEATED = 1_000_000


class Constants:
    """Reads the constants of one graph, and counts what is not written in it.

    A constant may leave numbers out that repeat the last one (all of them: zeros). A few bytes can so claim any shape:
    a whole graph may leave out ``MAX_REPEATED``.
    """

    def __init__(self) -> None:
        """Nothing read yet."""
        self._repeated = 0

    def read(self, node: NodeDef) -> NDArray[np.float32]:
        """The constant's numbers: one, a vector or a matrix.

        Raises:
            NeedsTensorFlow: they are not floats, or have more dimensions.
            ValueError: too many are claimed, or they are not as many as the shape says, or not finite.
        """
        tensor = attribute(node, "value").tensor
        shape = [dim.size for dim in tensor.tensor_shape.dim]
        if tensor.dtype != DT_FLOAT or tensor.tensor_shape.unknown_rank or len(shape) > 2:
            raise NeedsTensorFlow(f"a constant that is no float vector or matrix (node {node.name!r})")
        if any(not 1 <= size <= MAX_WIDTH for size in shape):
            raise ValueError(f"constant {node.name!r} is {shape}; sizes from 1 to {MAX_WIDTH:,} are served")
        count = math.prod(shape)
        if tensor.tensor_content:
            if len(tensor.tensor_content) != 4 * count:
                raise ValueError(f"constant {node.name!r} is {shape} and has {len(tensor.tensor_content):,} bytes")
            numbers = np.frombuffer(tensor.tensor_content, "<f4").astype(np.float32)
        else:
            listed = list(tensor.float_val) or [0.0]
            self._repeated += max(count - len(listed), 0)
            if len(listed) > count or self._repeated > MAX_REPEATED:
                raise ValueError(f"constant {node.name!r} is {shape} and has {len(tensor.float_val):,} numbers")
            numbers = np.pad(np.array(listed, dtype=np.float32), (0, count - len(listed)), mode="edge")
        if not np.isfinite(numbers).all():
            raise ValueError(f"constant {node.name!r} has numbers that are not finite")
        return numbers.reshape(shape)
