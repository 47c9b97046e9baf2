"""A model that is slow, and so shows what a stream does to a stage that is."""

import numpy as np
from onnx import TensorProto, helper

from model.features import WINE
from protobufs.model_descriptor_pb2 import ModelDescriptor

WIDE = 1_500


def slow_model(layers: int) -> ModelDescriptor:
    """It scores a wine's alcohol, through so many layers of 1,500 numbers that change nothing."""
    average = helper.make_tensor("value", TensorProto.FLOAT, [1], [1 / WIDE])
    nodes = [
        helper.make_node("MatMul", ["wines", "first"], ["h0"]),
        helper.make_node(
            "ConstantOfShape", ["shape"], ["mean"], value=average
        ),  # else the file has each of its numbers
        *(helper.make_node("MatMul", [f"h{i}", "mean"], [f"h{i + 1}"]) for i in range(layers)),
        helper.make_node("ReduceMean", [f"h{layers}", "axes"], ["scores"], keepdims=1),
    ]
    first = np.zeros((len(WINE), WIDE))
    first[WINE.index("alcohol")] = 1
    constants = [
        helper.make_tensor("first", TensorProto.FLOAT, first.shape, first.ravel()),
        helper.make_tensor("shape", TensorProto.INT64, [2], [WIDE, WIDE]),
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
    ]
    wines = helper.make_tensor_value_info("wines", TensorProto.FLOAT, [None, len(WINE)])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(nodes, "slow", [wines], [scores], constants)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return ModelDescriptor(
        name="slow", dataType="wine", modeltype=ModelDescriptor.ONNX, data=content.SerializeToString()
    )
