"""ONNX graphs before onnxruntime sees them: what would make a score differ from one time to the next is found here.

A trial finds most of it by scoring, but not all: one dropout in a hundred changes few labels, and a graph that takes
one record at a time never sees two of them together.
"""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from model.errors import ModelUnfit
from protobufs.onnx_model_pb2 import GraphProto, ModelProto, NodeProto, TensorProto

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
STANDARD = ("", "ai.onnx")  # two names of one domain
EXTERNAL = 1  # TensorProto.DataLocation
TRAINING_MODE = 2  # the place of that input among Dropout's


def check(content: bytes) -> None:
    """That a model gives the same score each time, and keeps its weights with it.

    Raises:
        ModelUnfit: it does not, or these bytes are no ONNX model.
    """
    try:
        model = ModelProto.FromString(content)
    except DecodeError:
        raise ModelUnfit(
            "is no ONNX model (protobuf), or not all of one", "send the file's bytes as they are"
        ) from None
    functions = [node for function in model.functions for node in function.node]
    graphs = [model.graph, *_inner([*model.graph.node, *functions])]
    nodes = [*functions, *(node for graph in graphs for node in graph.node)]
    constants = [tensor for graph in graphs for tensor in graph.initializer]
    constants += [attribute.t for node in nodes for attribute in node.attribute if attribute.HasField("t")]
    for tensor in constants:
        if tensor.data_location == EXTERNAL:
            name = f" {tensor.name[:40]!r}" if tensor.name else ""
            raise ModelUnfit(
                f"keeps weights in another file (external data): its tensor{name}", "save it as a single file"
            )
    off = {"", *(tensor.name for tensor in constants if _is_false(tensor))}  # an input without a name is not there
    off |= {node.output[0] for node in nodes if node.op_type == "Constant" and node.output and _gives_false(node)}
    for node in nodes:
        if node.domain in STANDARD:
            _check_repeatable(node, off)


def _inner(nodes: Iterable[NodeProto]) -> list[GraphProto]:
    """The graphs inside these nodes (branches, loop bodies), and those inside them."""
    found: list[GraphProto] = []
    waiting = list(nodes)
    while waiting:
        for attribute in waiting.pop().attribute:
            for graph in (attribute.g, *attribute.graphs):
                if graph.node or graph.initializer:
                    found.append(graph)
                    waiting += graph.node
    return found


def _check_repeatable(node: NodeProto, off: set[str]) -> None:
    remedy = "export it in evaluation mode (PyTorch: model.eval())"
    if node.op_type in RANDOM:
        raise ModelUnfit(f"draws random numbers ({node.op_type}), so that a wine gets another score each time", remedy)
    if node.op_type == "BatchNormalization" and _number(node, "training_mode"):
        raise ModelUnfit("is left in training mode (BatchNormalization), so that a score depends on its batch", remedy)
    if node.op_type == "Dropout" and not off.issuperset(node.input[TRAINING_MODE:]):
        raise ModelUnfit("is left in training mode (Dropout), so that a wine gets another score each time", remedy)


def _number(node: NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


def _gives_false(node: NodeProto) -> bool:
    return any(attribute.name == "value" and _is_false(attribute.t) for attribute in node.attribute)


def _is_false(tensor: TensorProto) -> bool:
    """Whether the bytes of a constant are those of the bool false."""
    return len(tensor.raw_data) + len(tensor.int32_data) == 1 and not any((*tensor.raw_data, *tensor.int32_data))
