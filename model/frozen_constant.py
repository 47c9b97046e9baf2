"""The numbers of a constant in a frozen graph: what the file says, within bounds."""

import math

import numpy as np
from numpy.typing import NDArray

from model.frozen_graph import NeedsTensorFlow, attribute
from protobufs.frozen_graph_pb2 import DT_FLOAT, NodeDef

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
