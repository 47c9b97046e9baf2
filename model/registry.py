"""From a descriptor to a model that can serve, in any format."""

import contextlib
from collections.abc import Callable
from importlib import import_module

from model import scoring_trial
from model.errors import ModelRejected, local_failure
from model.model import LoadedModel, Model, PmmlEngine
from model.reasons import rejected
from protobufs.model_descriptor_pb2 import ModelDescriptor


def load(descriptor: ModelDescriptor, content: bytes = b"", pmml_engine: PmmlEngine = "auto") -> LoadedModel:
    """Make a model of the descriptor's data and try it on typical wines; may take a second, any thread will do.

    The caller closes the model, once.

    Args:
        descriptor: one that has passed ``check``.
        content: the bytes that its location holds, in place of data. Not to be put into the descriptor first: protobuf
            copies 100 MB each time it is asked for them, and no other thread of Python runs meanwhile.
        pmml_engine: what scores PMML.
    Raises:
        ModelRejected: this model cannot serve; the text is one line.
        LocalFailure: this machine could not load it at present.
    """
    content = content or descriptor.data
    try:
        if pmml_engine != "auto" and descriptor.modeltype == ModelDescriptor.PMML:
            model = _pmml(content, pmml_engine)
        else:
            model = FORMATS[descriptor.modeltype](content)
        _try_out(model)
    except Exception as error:  # the bytes can come from anyone, and each library raises what it likes
        if (failure := local_failure(error)) is not None:
            raise failure from error
        raise rejected(descriptor.name, error, REMEDIES[descriptor.modeltype]) from error
    return LoadedModel(
        name=descriptor.name,
        description=descriptor.description,
        data_type=descriptor.dataType,
        model_type=ModelDescriptor.ModelType.Name(descriptor.modeltype),
        model=model,
    )


def check(descriptor: ModelDescriptor) -> None:
    """Check a descriptor, before anything looks at the model itself.

    Raises:
        ModelRejected: it is of no type that is served, or scores no records, or has neither data nor a location.
    """
    if descriptor.modeltype not in FORMATS:
        known = " or ".join(map(ModelDescriptor.ModelType.Name, sorted(FORMATS)))
        raise ModelRejected(descriptor.name, f"model type {descriptor.modeltype} is unknown; send {known}")
    if not descriptor.dataType:
        reason = "its data type is empty; name the records that it scores, such as 'wine'"
        raise ModelRejected(descriptor.name, reason)
    if not descriptor.data and not descriptor.location:
        raise ModelRejected(descriptor.name, "it has no data; send its bytes")


def prepare(model_type: int) -> None:
    """Import in advance what models of this type need first: numpy, onnxruntime, never Java or TensorFlow."""
    import_module(MODULES[model_type])


def _onnx(content: bytes) -> Model:
    from model.formats.onnx_model import OnnxModel  # a server that never gets such a model never loads its library

    return OnnxModel(content)


def _pmml(content: bytes, engine: PmmlEngine = "auto") -> Model:
    from model.formats.pmml.load import pmml_model  # likewise

    return pmml_model(content, engine)


def _frozen_graph(content: bytes) -> Model:
    from model.formats.tensorflow.load import of_frozen_graph  # likewise

    return of_frozen_graph(content)


def _saved_model(content: bytes) -> Model:
    from model.formats.tensorflow.load import of_saved_model  # likewise

    return of_saved_model(content)


FORMATS: dict[int, Callable[[bytes], Model]] = {
    ModelDescriptor.TENSORFLOW: _frozen_graph,
    ModelDescriptor.TENSORFLOWSAVED: _saved_model,
    ModelDescriptor.PMML: _pmml,
    ModelDescriptor.ONNX: _onnx,
}
"""By model type: how to make a model of its bytes."""

MODULES: dict[int, str] = {
    ModelDescriptor.TENSORFLOW: "model.formats.tensorflow.load",
    ModelDescriptor.TENSORFLOWSAVED: "model.formats.tensorflow.load",
    ModelDescriptor.PMML: "model.formats.pmml.load",
    ModelDescriptor.ONNX: "model.formats.onnx_model",
}
"""By model type: what these import."""

REMEDIES: dict[int, str] = {
    ModelDescriptor.TENSORFLOW: "freeze it again, or export it to ONNX",
    ModelDescriptor.TENSORFLOWSAVED: "save it again, or export it to ONNX",
    ModelDescriptor.PMML: "export it again, or to ONNX",
    ModelDescriptor.ONNX: "export it again",
}
"""By model type: what its author can do where an error has no remedy."""


def _try_out(model: Model) -> None:
    try:
        scoring_trial.check(model)
    except Exception:
        with contextlib.suppress(Exception):
            model.close()
        raise
