"""Models in ONNX format, scored by onnxruntime."""

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime

from model.features import WINE, Features, Values
from model.inputs import columns_of

INPUT_TYPES: dict[str, type[np.float32] | type[np.float64]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
OUTPUT_TYPES = (*INPUT_TYPES, "tensor(int64)", "tensor(int32)", "tensor(string)")


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    dtype: type[np.float32] | type[np.float64]
    columns: slice  # of the batch's columns


class OnnxModel:
    """An ONNX regression, or a classifier whose labels are numbers.

    Inputs: one float or double tensor [N, 11], or tensors [N, 1] named after features, as skl2onnx makes them of a
    table. The first output, [N] or [N, 1], is the score or the label (a classifier's probabilities come second).
    """

    def __init__(self, content: bytes) -> None:
        """Load a model from the bytes of its file.

        Raises:
            ValueError: onnxruntime cannot load it or must not, or its inputs or outputs are none of the above.
        """
        self._session: Any = _session(content)
        self._inputs = _inputs(self._session.get_inputs())
        self._output = _output(self._session.get_outputs())

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``.

        Raises:
            ValueError: the model gave something else than one number per record.
            RuntimeError: the model has been closed.
        """
        if self._session is None:
            raise RuntimeError("this model has been closed; it cannot score any more")
        with np.errstate(over="ignore"):  # too large a number becomes infinite, and its score is seen to be none
            feed = {each.name: features[:, each.columns].astype(each.dtype) for each in self._inputs}
        (output,) = self._session.run([self._output], feed)
        if output.shape not in ((len(features),), (len(features), 1)):
            raise ValueError(f"gives an output of shape {list(output.shape)} for {len(features)} records")
        try:
            values: Values = output.reshape(len(features)).astype(np.float64)
        except ValueError:
            raise ValueError(
                f"gives labels such as {output.flat[0]!r}; only labels that are numbers are served"
            ) from None
        return values

    def close(self) -> None:
        """See ``model.model.Model.close``."""
        self._session = None


def _session(content: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a server shares its machine with others
    options.log_severity_level = 4  # what is wrong comes as an exception, too
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # A tensor may name a file that holds its numbers, and for a model without a file of its own that would be any file
    # below the current directory. There is no file below this one.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "xternal data" in str(error):
            raise ValueError("keeps weights in another file (external data); save it as a single file") from error
        said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ", "", str(error))
        raise ValueError(f"onnxruntime cannot load it: {said}") from error


def _inputs(given: list[Any]) -> list[_Input]:
    for each in given:
        if each.type not in INPUT_TYPES:
            raise ValueError(f"its input {each.name!r} is a {each.type}; records are {' or '.join(INPUT_TYPES)}")
        if len(each.shape) != 2:
            raise ValueError(f"its input {each.name!r} has shape {each.shape} instead of [N, {len(WINE)}]")
    if len(given) == 1 and given[0].shape[1] != 1:
        return [_Input(given[0].name, INPUT_TYPES[given[0].type], slice(None))]
    columns = columns_of([each.name for each in given])
    return [
        _Input(each.name, INPUT_TYPES[each.type], slice(column, column + 1))
        for each, column in zip(given, columns, strict=True)
    ]


def _output(given: list[Any]) -> str:
    if given[0].type not in OUTPUT_TYPES:
        raise ValueError(f"its first output is a {given[0].type}; it must be the score or the label")
    name: str = given[0].name
    return name
