"""Writing dense networks as TensorFlow does: frozen graphs, and SavedModels of them. No TensorFlow is needed for it."""

import io
import zipfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protobufs.frozen_graph_pb2 import (
    DT_FLOAT,
    AttrValue,
    GraphDef,
    NodeDef,
    TensorProto,
    TensorShapeProto,
)
from protobufs.saved_model_pb2 import MetaGraphDef, SavedModel, SignatureDef, TensorInfo

Layer = tuple[NDArray[np.float32], NDArray[np.float32], str]
"""Kernel [k, m], bias [m], and the operation after them, such as "Relu"; "Identity" for none."""


def frozen_network(layers: Sequence[Layer]) -> GraphDef:
    """A dense network, its nodes named as Keras named them in TensorFlow 1: from ``dense_1_input`` on."""
    nodes = [placeholder("dense_1_input", [-1, len(layers[0][0])])]
    for number, (kernel, bias, operator) in enumerate(layers, start=1):
        name = f"dense_{number}"
        given = nodes[-1].name
        nodes += [
            constant(f"{name}/kernel", kernel),
            operation(f"{name}/kernel/read", "Identity", f"{name}/kernel"),
            constant(f"{name}/bias", bias),
            operation(f"{name}/bias/read", "Identity", f"{name}/bias"),
            operation(f"{name}/MatMul", "MatMul", given, f"{name}/kernel/read"),
            operation(f"{name}/BiasAdd", "BiasAdd", f"{name}/MatMul", f"{name}/bias/read"),
            operation(f"{name}/{operator}", operator, f"{name}/BiasAdd"),
        ]
    return GraphDef(node=nodes)


def placeholder(name: str, sizes: Sequence[int], kind: int = DT_FLOAT) -> NodeDef:
    """An input; size -1 is any."""
    node = NodeDef(name=name, op="Placeholder", attr={"shape": AttrValue(shape=_shape(sizes))})
    node.attr["dtype"].type = kind  # type: ignore[assignment]  # also kinds that the .proto does not name
    return node


def constant(name: str, numbers: NDArray[np.float32]) -> NodeDef:
    """A constant with all its numbers."""
    content = numbers.astype("<f4").tobytes()
    tensor = TensorProto(dtype=DT_FLOAT, tensor_shape=_shape(numbers.shape), tensor_content=content)
    return NodeDef(name=name, op="Const", attr={"dtype": AttrValue(type=DT_FLOAT), "value": AttrValue(tensor=tensor)})


def operation(name: str, operator: str, *inputs: str, **switches: bool) -> NodeDef:
    """An operation on floats; switches such as ``transpose_b=True``."""
    attributes = {key: AttrValue(b=value) for key, value in switches.items()}
    return NodeDef(name=name, op=operator, input=inputs, attr={"T": AttrValue(type=DT_FLOAT), **attributes})


def saved_model(graph: GraphDef, wines: str, result: str, width: int) -> bytes:
    """A zip of the directory of a SavedModel, which serves ``result``, [N, width], for ``wines``, [N, 11]."""
    signature = SignatureDef(
        inputs={"wines": TensorInfo(name=f"{wines}:0", dtype=DT_FLOAT, tensor_shape=_shape([-1, 11]))},
        outputs={"qualities": TensorInfo(name=f"{result}:0", dtype=DT_FLOAT, tensor_shape=_shape([-1, width]))},
        method_name="tensorflow/serving/predict",
    )
    meta_graph = MetaGraphDef(
        meta_info_def=MetaGraphDef.MetaInfoDef(tags=["serve"]),
        graph_def=graph,
        signature_def={"serving_default": signature},
    )
    model = SavedModel(saved_model_schema_version=1, meta_graphs=[meta_graph])
    return zip_of({"saved_model.pb": serialise(model)})


def serialise(message: GraphDef | SavedModel) -> bytes:
    """The same bytes each time; a map's order is open otherwise."""
    return message.SerializeToString(deterministic=True)


def zip_of(files: dict[str, bytes]) -> bytes:
    """A zip that knows no time of its making; not compressed, which is not the same everywhere."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(zipfile.ZipInfo(name), file)
    return content.getvalue()


def _shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])
