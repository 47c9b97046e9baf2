"""Frozen graphs that nobody should load: each is refused in one line that says why."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.network_graph import constant, frozen_network, operation, placeholder, serialise
from model import registry
from model.errors import ModelRejected
from model.formats.tensorflow.dense_network import to_onnx
from model.formats.tensorflow.frozen_graph import MAX_NODES, MAX_REPEATED, MAX_WIDTH, NeedsTensorFlow, read
from model.inputs import TYPICAL
from protobufs.frozen_graph_pb2 import AttrValue, GraphDef, NodeDef
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.frozen_graphs import GOOD, NETWORK, matrix, node_of


def changed(name: str, **attributes: AttrValue) -> GraphDef:
    """The good graph with other attributes in a node."""
    graph = frozen_network(NETWORK)
    for key, value in attributes.items():
        node_of(graph, name).attr[key].CopyFrom(value)
    return graph


def with_nodes(*more: NodeDef) -> GraphDef:
    """The good graph and more nodes."""
    return GraphDef(node=[*frozen_network(NETWORK).node, *more])


def claiming(size: int, *, width: int = 11, times: int = 1) -> GraphDef:
    """A graph whose weights [width, size] are a single number in the file."""
    nodes = [placeholder("x", [-1, 11])]
    for number in range(times):
        weights = constant(f"w{number}", np.zeros((width, 1), dtype=np.float32))
        tensor = weights.attr["value"].tensor
        tensor.tensor_content = b""
        tensor.tensor_shape.dim[1].size = size
        tensor.float_val.append(1.0)
        nodes += [weights, operation(f"h{number}", "MatMul", nodes[-1].name, weights.name)]
    return GraphDef(node=nodes)


def circular() -> GraphDef:
    """Two nodes that wait for each other, and a result."""
    x = operation("x1", "AddV2", "dense_1_input", "x2")
    return GraphDef(node=[placeholder("dense_1_input", [-1, 11]), x, operation("x2", "Relu", "x1"),
                          operation("y", "Relu", "x2")])  # fmt: skip


def own_constants(*nodes: NodeDef) -> GraphDef:
    """A placeholder of wines and these nodes."""
    return GraphDef(node=[placeholder("x", [-1, 11]), *nodes])


REMEDY = "needs TensorFlow; install the extra on the servers: pip install '.[tensorflow]', or export to ONNX"
W = constant("w", np.ones((4, 2), dtype=np.float32))
BAD: dict[str, tuple[GraphDef, str]] = {
    "operation": (with_nodes(operation("e", "Elu", "dense_3/Sigmoid")), f"the operation Elu (node 'e') {REMEDY}"),
    "attribute": (changed("dense_1/MatMul", axis=AttrValue(i=1)), f"'axis' of MatMul (node 'dense_1/MatMul') {REMEDY}"),
    "double": (changed("dense_1/MatMul", T=AttrValue(type=2)), "number than float in MatMul (node"),  # type: ignore[arg-type]
    "columns": (changed("dense_1/MatMul", transpose_a=AttrValue(b=True)), f"(node 'dense_1/MatMul') {REMEDY}"),
    "channels": (changed("dense_1/BiasAdd", data_format=AttrValue(s=b"NCHW")), "BiasAdd of columns instead of rows"),
    "no nodes": (GraphDef(), "has 0 nodes; a frozen graph of 1 to"),
    "same name": (with_nodes(operation("dense_1/Relu", "Relu", "dense_1/BiasAdd")), "two nodes of the same name"),
    "bad name": (with_nodes(operation("a:0", "Relu", "dense_3/Sigmoid")), "a node named 'a:0', which no other"),
    "missing input": (with_nodes(operation("e", "Relu", "gone")), "node 'e' takes 'gone', which the graph does not"),
    "two placeholders": (with_nodes(placeholder("p", [-1, 11])), "has 2 inputs (Placeholder): 'dense_1_input', 'p'"),
    "no placeholder": (GraphDef(node=[W]), "has no inputs (Placeholder); one of [N, 11]"),
    "int input": (GraphDef(node=[placeholder("x", [-1, 11], kind=3)]), "its input 'x' is not of float numbers"),
    "12 columns": (GraphDef(node=[placeholder("x", [-1, 12])]), "input 'x' has shape [N, 12] instead of [N, 11]"),
    "rank 3": (GraphDef(node=[placeholder("x", [-1, 11, 1])]), "input 'x' has shape [N, 11, 1] instead of [N, 11]"),
    "two results": (with_nodes(operation("e", "Relu", "dense_1/Relu")), "2 results: 'dense_3/Sigmoid', 'e'; one node"),
    "no result": (own_constants(operation("y", "Add", "x", "y")), "has no results; one node"),
    "circle": (circular(), "goes round in circles"),
    "shapes": (own_constants(W, operation("y", "MatMul", "x", "w")), "MatMul does not fit ['N', 11] and [4, 2]"),
    "bias": (own_constants(W, operation("y", "AddV2", "x", "w")), "AddV2 does not fit ['N', 11] and [4, 2]"),
    "vector": (own_constants(constant("w", matrix(11)), operation("y", "MatMul", "x", "w")), "does not fit"),
    "constants": (own_constants(W, operation("y", "MatMul", "w", "x")), "does not fit [4, 2] and ['N', 11]"),
    "arity": (own_constants(operation("y", "Relu", "x", "x")), "node 'y' does not take what Relu takes: ['x', 'x']"),
    "second output": (own_constants(operation("y", "Relu", "x:1")), "does not take what Relu takes: ['x:1']"),
    "rank 3 constant": (own_constants(constant("w", matrix(1, 2, 3))), "has 2 results"),
    "infinite": (own_constants(constant("w", np.full((11, 1), np.inf, dtype=np.float32)),
                               operation("y", "MatMul", "x", "w")), "'w' has numbers that are not finite"),
    "claims a width": (claiming(2**40), f"is [11, {2**40}]; sizes from 1 to {MAX_WIDTH:,} are served"),
    "claims a negative": (claiming(-5), "is [11, -5]; sizes from 1 to"),
    "claims nothing": (claiming(0), "is [11, 0]; sizes from 1 to"),
    "claims too much": (claiming(MAX_WIDTH, width=MAX_WIDTH), "is [4096, 4096] and has 1 numbers"),
    "too many nodes": (GraphDef(node=[operation(f"n{i}", "Relu") for i in range(MAX_NODES + 1)]), "has 2,001 nodes"),
}  # fmt: skip


def refused(content: bytes) -> str:
    """The registry's reason, one line."""
    with pytest.raises(ModelRejected) as caught:
        registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=content))
    assert "\n" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_dense_network_is_refused_with_the_reason(what: str) -> None:
    graph, reason = BAD[what]
    with pytest.raises(ValueError, match=re.escape(reason)):
        to_onnx(read(serialise(graph)))


def test_the_bound_on_claimed_numbers_is_on_all_of_the_graph() -> None:
    each = MAX_REPEATED // 2 // 11
    wide = [constant(f"w{i}", np.zeros((11, 1), dtype=np.float32)) for i in range(250)]
    sums = [operation(f"h{i}", "MatMul", "x", f"w{i}") for i in range(250)]
    for weights in wide:
        tensor = weights.attr["value"].tensor
        tensor.tensor_content = b""
        tensor.tensor_shape.dim[1].size = min(each, MAX_WIDTH)
    joined = [operation("s1", "AddV2", "h0", "h1")]
    joined += [operation(f"s{i}", "AddV2", f"s{i - 1}", f"h{i}") for i in range(2, 250)]
    with pytest.raises(ValueError, match=r"constant 'w\d+' is \[11, 4096\] and has 0 numbers"):
        to_onnx(read(serialise(own_constants(*wide, *sums, *joined))))


def test_a_constant_that_is_shorter_or_longer_than_it_says_is_refused() -> None:
    for more in (b"", b"1234"):
        graph = frozen_network(NETWORK)
        tensor = node_of(graph, "dense_1/bias").attr["value"].tensor
        tensor.tensor_content = tensor.tensor_content[:-4] + 2 * more
        assert refused(serialise(graph)).startswith("constant 'dense_1/bias' is [8] and has ")


def test_an_operation_that_is_not_known_is_refused_by_the_registry_with_the_remedy() -> None:
    assert refused(serialise(with_nodes(operation("f", "ReadFile", "dense_3/Sigmoid")))) == (
        "has the operation ReadFile (node 'f'), which is not known to leave files and network alone; export to ONNX"
    )


def loads_or_is_refused(content: bytes) -> None:
    """Whatever the bytes are: a refusal of one line, or one number per wine."""
    try:
        loaded = registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=content))
    except ModelRejected as error:
        assert "\n" not in str(error)
        assert isinstance(error.__cause__, ValueError)
    else:
        assert loaded.model.score(TYPICAL).shape == (3,)


def test_a_graph_cut_off_at_any_byte_is_refused_or_loads() -> None:
    for length in range(1, len(GOOD)):
        loads_or_is_refused(GOOD[:length])


@given(flips=st.lists(st.integers(0, 8 * len(GOOD) - 1), min_size=1, max_size=8))
def test_a_graph_with_flipped_bits_is_refused_or_loads(flips: list[int]) -> None:
    damaged = bytearray(GOOD)
    for flip in flips:
        damaged[flip // 8] ^= 1 << flip % 8
    loads_or_is_refused(bytes(damaged))


@given(content=st.binary(min_size=1, max_size=200))
def test_noise_is_refused_or_loads(content: bytes) -> None:
    loads_or_is_refused(content)


def test_what_needs_tensorflow_is_told_apart() -> None:
    with pytest.raises(NeedsTensorFlow):
        to_onnx(read(serialise(BAD["operation"][0])))
