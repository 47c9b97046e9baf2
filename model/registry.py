"""From a descriptor to a model that can serve, whatever its format."""

import contextlib
from collections.abc import Callable

import numpy as np

from model.errors import ModelRejected
from model.inputs import TYPICAL
from model.model import LoadedModel, Model
from protobufs.model_descriptor_pb2 import ModelDescriptor

MAX_REASON_CHARACTERS = 300


def load(descriptor: ModelDescriptor, content: bytes = b"") -> LoadedModel:
    """Make a model of the descriptor's data and try it on typical wines; may take a second, any thread will do.

    The caller closes the model, once.

    Args:
        content: the bytes that its location holds, in place of data. Not to be put into the descriptor first: protobuf
            copies 100 MB each time it is asked for them, and no other thread of Python runs meanwhile.
    Raises:
        ModelRejected: for whatever reason this model cannot serve; the text is one line.
    """
    check(descriptor)
    content = content or descriptor.data
    if not content:
        raise ModelRejected(descriptor.name, "it is only a location, and nobody has read what is there; send its bytes")
    try:
        model = FORMATS[descriptor.modeltype](content)
        _try_out(model)
    except Exception as error:  # the bytes can come from anyone, and each library raises what it likes
        raise ModelRejected(descriptor.name, first_line(error)) from error
    return LoadedModel(
        name=descriptor.name,
        description=descriptor.description,
        data_type=descriptor.dataType,
        model_type=ModelDescriptor.ModelType.Name(descriptor.modeltype),
        model=model,
    )


def check(descriptor: ModelDescriptor) -> None:
    """What can be told before anybody has looked at the model itself.

    Raises:
        ModelRejected: it is of no type that is served, or scores no records, or has neither data nor a location.
    """
    if reason := _not_loadable(descriptor):
        raise ModelRejected(descriptor.name, reason[:MAX_REASON_CHARACTERS])


def _onnx(content: bytes) -> Model:
    from model.onnx_model import OnnxModel  # a server that never gets such a model never loads its library

    return OnnxModel(content)


def _pmml(content: bytes) -> Model:
    from model.pmml.load import pmml_model  # likewise

    return pmml_model(content)


def _frozen_graph(content: bytes) -> Model:
    from model.tensorflow_formats import of_frozen_graph  # likewise

    return of_frozen_graph(content)


def _saved_model(content: bytes) -> Model:
    from model.tensorflow_formats import of_saved_model  # likewise

    return of_saved_model(content)


FORMATS: dict[int, Callable[[bytes], Model]] = {
    ModelDescriptor.TENSORFLOW: _frozen_graph,
    ModelDescriptor.TENSORFLOWSAVED: _saved_model,
    ModelDescriptor.PMML: _pmml,
    ModelDescriptor.ONNX: _onnx,
}
"""By model type: how to make a model of its bytes."""


def _not_loadable(descriptor: ModelDescriptor) -> str | None:
    known = {value.number: value.name for value in ModelDescriptor.ModelType.DESCRIPTOR.values}
    if descriptor.modeltype not in known:
        return f"model type {descriptor.modeltype} is unknown; send {_names()}"
    if descriptor.modeltype not in FORMATS:
        return f"{known[descriptor.modeltype]} models are not served yet; export it to ONNX"
    if not descriptor.dataType:
        return "its data type is empty; name the records that it scores, such as 'wine'"
    if not descriptor.data and not descriptor.location:
        return "it has no data; send its bytes"
    return None


def _try_out(model: Model) -> None:
    try:
        values = model.score(TYPICAL)
        if values.shape != (len(TYPICAL),) or not np.isfinite(values).all():
            raise ValueError(f"scores typical wines as {values.tolist()}; one finite number for each is needed")
    except Exception:
        with contextlib.suppress(Exception):
            model.close()
        raise


def first_line(error: Exception) -> str:
    """What is wrong, as a reason of one line and no more than ``MAX_REASON_CHARACTERS``."""
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:MAX_REASON_CHARACTERS] if lines else type(error).__name__


def _names() -> str:
    return " or ".join(ModelDescriptor.ModelType.Name(model_type) for model_type in sorted(FORMATS))
