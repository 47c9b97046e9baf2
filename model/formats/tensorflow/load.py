"""TensorFlow's two formats, and which library serves a model: onnxruntime if it can, TensorFlow if it is installed."""

from importlib.util import find_spec
from pathlib import Path

from model.formats.onnx_model import OnnxModel
from model.formats.tensorflow import saved_model
from model.formats.tensorflow.dense_network import to_onnx
from model.formats.tensorflow.frozen_graph import NeedsTensorFlow, read
from model.formats.tensorflow.graph_operations import check_operations
from model.model import Model
from model.scratch import scratch_directory


class ConvertedNetwork(OnnxModel):
    """A frozen graph of a dense network, served as the ONNX model that it has been turned into."""

    scored_by = "converted to ONNX"


def of_frozen_graph(content: bytes) -> Model:
    """A frozen graph from the bytes of its file (GraphDef).

    Raises:
        NeedsTensorFlow: more than a dense network, and TensorFlow is not installed.
        ValueError: it cannot be served; the text says why.
    """
    graph = read(content)
    try:
        converted = to_onnx(graph)
    except NeedsTensorFlow:
        check_operations(graph.definition)
        if not _installed():
            raise
        from model.formats.tensorflow.tensorflow_model import TensorFlowModel  # 500 MB of memory

        return TensorFlowModel.of_frozen_graph(graph)
    return ConvertedNetwork(converted)


def of_saved_model(content: bytes) -> Model:
    """A SavedModel from the bytes of a zip of its directory.

    Raises:
        NeedsTensorFlow: it is not installed.
        ValueError: it cannot be served; the text says why.
    """
    with scratch_directory() as directory:
        return of_saved_directory(saved_model.unpack(content, directory))


def of_saved_directory(directory: Path) -> Model:
    """A SavedModel from its directory, which is not needed any more after that.

    Raises:
        NeedsTensorFlow: it is not installed.
        ValueError: it cannot be served; the text says why.
    """
    saved_model.check(directory)
    if not _installed():
        raise NeedsTensorFlow("a SavedModel")
    from model.formats.tensorflow.tensorflow_model import TensorFlowModel  # 500 MB of memory

    return TensorFlowModel.of_saved_model(directory)


def _installed() -> bool:
    return find_spec("tensorflow") is not None
