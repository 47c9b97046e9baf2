"""Models that do harm while they are loaded or tried, small enough to send."""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model.features import WINE

FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
EATEN_BYTES = 3 * 2**27  # 384 MiB: more than the smallest limit, and no danger where there is none


def _added_to_alcohol(nodes: list[Any], constants: dict[str, Any]) -> bytes:
    """The alcohol and what these nodes make of constants, as tensor ``harm`` of one number."""
    graph = helper.make_graph(
        [
            *nodes,
            helper.make_node("Gather", ["wines", "column"], ["alcohol"], axis=1),
            helper.make_node("Add", ["alcohol", "harm"], ["scores"]),
        ],
        "hostile",
        [helper.make_tensor_value_info("wines", FLOAT, [None, len(WINE)])],
        [helper.make_tensor_value_info("scores", FLOAT, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()]
        + [numpy_helper.from_array(np.array([WINE.index("alcohol")]), "column")],
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    ).SerializeToString()
    return content


def eating_memory() -> bytes:
    """Makes a tensor of ``EATEN_BYTES`` for one number of it."""
    return _added_to_alcohol(
        [
            helper.make_node("ConstantOfShape", ["shape"], ["large"]),
            helper.make_node("Gather", ["large", "zero"], ["harm"]),
        ],
        {"shape": np.array([EATEN_BYTES // 4]), "zero": np.array([0])},
    )


def never_ending() -> bytes:
    """Goes through a loop 2 ** 60 times."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still on"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("turn", INT64, []),
            helper.make_tensor_value_info("on", BOOL, []),
            helper.make_tensor_value_info("x", FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("still on", BOOL, []), helper.make_tensor_value_info("y", FLOAT, [1])],
    )
    return _added_to_alcohol(
        [helper.make_node("Loop", ["turns", "always", "zero"], ["harm"], body=body)],
        {"turns": np.array(2**60), "always": np.array(True), "zero": np.zeros(1, dtype=np.float32)},
    )


def padded(content: bytes, more_bytes: int) -> bytes:
    """The same ONNX model, that much larger: by a note in its metadata."""
    model = ModelProto.FromString(content)
    model.metadata_props.add(key="padding", value="x" * more_bytes)
    larger: bytes = model.SerializeToString()
    return larger


def with_entities(pmml: bytes, declared: str, used: str) -> bytes:
    """The document with entities declared, and one of them used as its header's text."""
    head, found, rest = pmml.partition(b"<PMML")
    assert found
    return (
        head
        + f"<!DOCTYPE PMML [{declared}]>".encode()
        + found
        + rest.replace(b"<Header/>", f"<Header>{used}</Header>".encode())
    )


ENTITY_BOMB = "".join(
    [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "ha"}">' for i in range(10)]  # ten to the ninth "ha"
)
EXTERNAL_ENTITY = '<!ENTITY secret SYSTEM "file:///etc/passwd">'
