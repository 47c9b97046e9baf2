"""Models in ONNX format, scored by onnxruntime."""

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

# Else it tells its maker about each model, and has a thread, a database and three descriptors for that: in official
# builds for Linux from 1.29 on. It looks at this once, at its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

from model.errors import ModelClosed, ModelUnfit
from model.features import WINE, Features, Values
from model.formats import onnx_graph
from model.inputs import columns_of

INPUT_TYPES: dict[str, type[np.float32] | type[np.float64]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
LABEL_TYPES = ("tensor(int64)", "tensor(int32)", "tensor(string)")
MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
"""What ZipMap makes of probabilities: a dictionary for each record, by label."""

LABEL_NAMES = frozenset({"label", "output_label", "class", "predicted_label"})
VALUE_NAMES = frozenset({"variable", "value", "score", "prediction", "predictions", "predicted", "quality", "gpmean"})
NO_SCORES = re.compile(r"prob|logit|decision|std|cov|score_samples", re.IGNORECASE)
"""Names of what exporters give besides."""

DYNAMIC = "export it with a dynamic batch dimension"


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    dtype: type[np.float32] | type[np.float64]
    columns: slice  # of the batch's columns


class OnnxModel:
    """An ONNX regression, or a classifier whose labels are numbers.

    Inputs: one float or double tensor [N, 11], or tensors [N, 1] named after features, as skl2onnx makes them of a
    table. Of its outputs one is the score: the label if there is one, else the only value [N] or [N, 1], else the
    label of the largest probability in ZipMap's dictionaries. Where N is fixed at 1, records are scored one by one.
    """

    scored_by: str | None = None

    def __init__(self, content: bytes) -> None:
        """Load a model from the bytes of its file.

        Raises:
            ModelUnfit: onnxruntime cannot load it or must not, or its inputs or outputs are none of the above.
        """
        onnx_graph.check(content)
        self._session: Any = _session(content)
        self._inputs = _inputs(self._session.get_inputs())
        self._output = _output(self._session.get_outputs())
        self._one_by_one = _batch(self._session.get_inputs()) == 1
        if self._one_by_one:
            self.scored_by = "record by record: its batch dimension is fixed at 1"

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``.

        Raises:
            ModelUnfit: the model gave something else than one number per record.
            ModelClosed: the model has been closed.
        """
        if self._session is None:
            raise ModelClosed
        with np.errstate(over="ignore"):  # too large a number becomes infinite, and its score is seen to be none
            feed = {each.name: features[:, each.columns].astype(each.dtype) for each in self._inputs}
        if not self._one_by_one:
            return self._run(feed, len(features))
        rows = [
            self._run({name: column[row : row + 1] for name, column in feed.items()}, 1) for row in range(len(features))
        ]
        return np.concatenate(rows)

    def _run(self, feed: dict[str, Any], records: int) -> Values:
        try:
            (output,) = self._session.run([self._output], feed)
        except Exception as error:
            raise _unfit("onnxruntime cannot score with it", error, "export it again, for inputs [N, 11]") from error
        if isinstance(output, list):
            output = np.array([_likeliest(each) for each in output])
        if output.shape not in ((records,), (records, 1)):
            raise ModelUnfit(
                f"its output {self._output[:40]!r} has shape {list(output.shape)} for {records} records instead of one "
                "number, or label, for each",
                f"{DYNAMIC} and one number for each record, or with the label as an output of its own",
            )
        try:
            values: Values = output.reshape(records).astype(np.float64)
        except ValueError:
            raise ModelUnfit(
                f"gives labels such as {str(output.flat[0])[:40]!r}",
                "only labels that are numbers are served: train it with numbers",
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
        raise _not_loaded(error) from error


def _not_loaded(error: Exception) -> ModelUnfit:
    """The reason in onnxruntime's text, which is long and has what matters at its end."""
    text = str(error)
    of_ours = f"onnxruntime {onnxruntime.__version__}"
    if "xternal data" in text:
        return ModelUnfit("keeps weights in another file (external data)", "save it as a single file", text)
    if found := re.search(r"model IR version: (\d+), max supported IR version: (\d+)", text):
        return ModelUnfit(
            f"is of ONNX IR version {found[1]}, which is newer than {of_ours} reads",
            f"export it for IR version {found[2]} or lower",
            text,
        )
    if found := re.search(r"Opset (\d+) is under development.* for domain (\S+) is till opset (\d+)", text, re.DOTALL):
        return ModelUnfit(
            f"is of opset {found[1]} of {found[2]}, which is newer than {of_ours} has",
            f"export it for opset {found[3]} or lower",
            text,
        )
    if found := (
        re.search(r"Fatal error: (\S*):(\w+)\(-?\d+\) is not a registered function/op", text)
        or re.search(
            r"\(\"[^\"]*\", (?P<op>\w+), \"(?P<domain>[^\"]*)\", .* (?:No opset import|No Op registered) for", text
        )
    ):
        domain, operator = (found["domain"], found["op"]) if "op" in found.groupdict() else (found[1], found[2])
        kind = "custom operator" if domain not in onnx_graph.STANDARD else "operator"
        return ModelUnfit(
            f"uses the {kind} {f'{domain}.' if domain else ''}{operator}, which {of_ours} does not have in the opset "
            "that the model names",
            "export it with standard operators of ONNX",
            text,
        )
    return _unfit("onnxruntime cannot load it", error, "export it again, and check it with onnx.checker")


def _unfit(what: str, error: Exception, remedy: str) -> ModelUnfit:
    """The text of onnxruntime, without the places in its source."""
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ", "", str(error).strip())
    said = re.sub(r"/\S+\.(?:cc|h):\d+ [^()]*\([^()]*(?:\([^()]*\)[^()]*)*\)(?: const)? ", "", said)
    return ModelUnfit(f"{what}: {said}", remedy, str(error))


def _inputs(given: list[Any]) -> list[_Input]:
    for each in given:
        if each.type not in INPUT_TYPES:
            raise ModelUnfit(
                f"its input {each.name[:40]!r} is a {each.type}; records are {' or '.join(INPUT_TYPES)}",
                "export it with float inputs",
            )
        if len(each.shape) != 2:
            raise ModelUnfit(
                f"its input {each.name[:40]!r} has shape {each.shape} instead of [N, {len(WINE)}]",
                "export it for a table, with one row for each record",
            )
    _batch(given)
    if len(given) == 1 and given[0].shape[1] != 1:
        (one,) = given
        if isinstance(one.shape[1], int) and one.shape[1] != len(WINE):
            raise ModelUnfit(
                f"its input {one.name[:40]!r} takes {one.shape[1]} numbers, and a record has {len(WINE)}",
                f"train it on {', '.join(WINE)}, in this order",
            )
        return [_Input(one.name, INPUT_TYPES[one.type], slice(None))]
    for each in given:
        if isinstance(each.shape[1], int) and each.shape[1] != 1:
            raise ModelUnfit(
                f"has {len(given)} inputs, of which {each.name[:40]!r} takes {each.shape[1]} numbers for each record",
                f"export it with one input [N, {len(WINE)}], or with one [N, 1] for each feature",
            )
    columns = columns_of([each.name for each in given])
    return [
        _Input(each.name, INPUT_TYPES[each.type], slice(column, column + 1))
        for each, column in zip(given, columns, strict=True)
    ]


def _batch(given: list[Any]) -> int | None:
    """The fixed batch dimension, which may only be 1; None if any number of records may be scored at once."""
    fixed = {each.shape[0]: each for each in given if isinstance(each.shape[0], int)}
    for size, each in fixed.items():
        if size != 1:
            raise ModelUnfit(
                f"its input {each.name[:40]!r} has its batch dimension fixed at {size}, and records come in batches of "
                "any size",
                f"{DYNAMIC} (or of 1)",
            )
    return 1 if fixed else None


def _output(given: list[Any]) -> str:
    """The output that is the score, by its role."""
    possible = [each for each in given if each.type in (*LABEL_TYPES, *INPUT_TYPES) and _one_per_record(each.shape)]
    for wanted in (
        [each for each in possible if each.name.lower() in LABEL_NAMES],
        [each for each in possible if each.name.lower() in VALUE_NAMES],
        [each for each in possible if not NO_SCORES.search(each.name)],
        possible if len(given) == 1 else [],
        [each for each in given if each.type in MAPS],
    ):
        if len(wanted) == 1:
            name: str = wanted[0].name
            return name
        if len(wanted) > 1:
            raise ModelUnfit(
                f"has {len(wanted)} outputs that could be its score: {_listed(wanted)}",
                "export one of them only, or name it 'score' (a label: 'label')",
            )
    raise ModelUnfit(
        f"has no output that is one number, or label, for each record, but: {_listed(given)}",
        "export the score as a float [N, 1], or the label as an int64 [N]",
    )


def _listed(outputs: list[Any]) -> str:
    shown = ", ".join(f"{each.name[:40]!r} {each.type} {each.shape or ''}".strip() for each in outputs[:3])
    return shown + (", ..." if len(outputs) > 3 else "")


def _one_per_record(shape: list[Any]) -> bool:
    """Whether the declared shape allows it; the actual shape is seen in the trial."""
    return len(shape) < 2 or (len(shape) == 2 and (shape[1] == 1 or not isinstance(shape[1], int)))


def _likeliest(probabilities: dict[Any, float]) -> Any:
    """The label of the largest probability, of several the first; NaN where there is none that is a number."""
    if not probabilities or any(value != value for value in probabilities.values()):
        return float("nan")
    return max(probabilities, key=lambda label: probabilities[label])
