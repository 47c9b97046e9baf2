"""ONNX models made by hand: what they may look like, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.features import WINE, Features
from model.inputs import TYPICAL
from model.onnx_model import OnnxModel

FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING
ALCOHOL = WINE.index("alcohol")


def onnx_bytes(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any]) -> bytes:
    """A model of opset 17."""
    graph = helper.make_graph(nodes, "wine", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content


def weight(name: str, *values: float | int | str) -> Any:
    """A constant of shape (k,): float32, int64 or text."""
    kind: Any = {int: np.int64, float: np.float32, str: object}[type(values[0])]
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def of_shape(shape: list[Any], kind: int = FLOAT, name: str = "x") -> Any:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def picking_alcohol(
    input_shape: list[Any] | None = None, kind: int = FLOAT, output_shape: list[Any] | None = None
) -> bytes:
    """A model whose score is the last column of its input."""
    gather = helper.make_node("Gather", ["x", "column"], ["y"], axis=1)
    output = of_shape(["N", 1] if output_shape is None else output_shape, kind, "y")
    # a scalar index would take the dimension away, a list of one keeps it
    column = weight("column", ALCOHOL) if output_shape is None else numpy_helper.from_array(np.array(ALCOHOL), "column")
    return onnx_bytes([gather], [of_shape(input_shape or ["N", 11], kind)], [output], [column])


def labelling(*labels: int | str) -> bytes:
    """A classifier: its label is labels[1] for wines above 10 % alcohol, else labels[0]; probabilities come second."""
    kind = STRING if isinstance(labels[0], str) else INT64
    nodes = [
        helper.make_node("Gather", ["x", "column"], ["alcohol"], axis=1),
        helper.make_node("Greater", ["alcohol", "bound"], ["strong"]),
        helper.make_node("Where", ["strong", "high", "low"], ["label"]),
        helper.make_node("Identity", ["x"], ["probabilities"]),
    ]
    weights = [
        numpy_helper.from_array(np.array(ALCOHOL), "column"),
        weight("bound", 10.0),
        weight("low", labels[0]),
        weight("high", labels[1]),
    ]
    outputs = [of_shape(["N"], kind, "label"), of_shape(["N", 11], FLOAT, "probabilities")]
    return onnx_bytes(nodes, [of_shape(["N", 11])], outputs, weights)


def by_name(names: list[str], kind: int = FLOAT) -> bytes:
    """A model with one input [N, 1] per name; its score is their sum."""
    nodes = [helper.make_node("Sum", names, ["y"])]
    return onnx_bytes(nodes, [of_shape(["N", 1], kind, name) for name in names], [of_shape(["N", 1], kind, "y")], [])


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
@pytest.mark.parametrize("input_shape", [["N", 11], [None, 11], ["N", "features"]])
@pytest.mark.parametrize("output_shape", [None, ["N"]])
def test_a_matrix_of_float_or_double_gives_one_score_per_record(
    kind: int, input_shape: list[Any], output_shape: list[Any] | None
) -> None:
    scores = OnnxModel(picking_alcohol(input_shape, kind, output_shape)).score(TYPICAL)
    assert scores.dtype == np.float64
    assert scores == pytest.approx(TYPICAL[:, ALCOHOL], rel=2.0**-24 if kind == FLOAT else 0)


def test_a_double_model_loses_no_digit() -> None:
    wines = TYPICAL.copy()
    wines[0, ALCOHOL] = 9.533333333333333
    assert OnnxModel(picking_alcohol(kind=DOUBLE)).score(wines)[0] == 9.533333333333333


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
def test_inputs_named_after_features_get_their_columns_in_any_order(kind: int) -> None:
    scores = OnnxModel(by_name(["pH", "alcohol", "fixed_acidity"], kind)).score(TYPICAL)
    assert scores == pytest.approx(TYPICAL[:, [8, 10, 0]].sum(axis=1), rel=1e-6)  # their field numbers less one


def test_a_single_named_input_gets_its_column() -> None:
    assert OnnxModel(by_name(["alcohol"])).score(TYPICAL) == pytest.approx(TYPICAL[:, ALCOHOL], rel=1e-6)


@pytest.mark.parametrize("labels", [(5, 6), ("5", "6")])
def test_a_classifier_gives_its_label_as_a_number(labels: tuple[int | str, ...]) -> None:
    assert OnnxModel(labelling(*labels)).score(TYPICAL).tolist() == [5.0, 6.0, 6.0]  # alcohol 9.5, 10.2, 11.1


def test_a_label_that_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="gives labels such as 'table'; only labels that are numbers are served"):
        OnnxModel(labelling("table", "grand cru")).score(TYPICAL)


def applying(operator: str, input_shape: list[Any], **attributes: Any) -> bytes:
    """A model of one operator."""
    return onnx_bytes(
        [helper.make_node(operator, ["x"], ["y"], **attributes)], [of_shape(input_shape)], [of_shape([], name="y")], []
    )


def giving_probabilities_only() -> bytes:
    """A model whose only output is a sequence of maps, as skl2onnx's zipmap makes it."""
    node = helper.make_node("ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=list(range(11)))
    output = helper.make_value_info(
        "y",
        helper.make_sequence_type_proto(helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, None))),
    )
    return onnx_bytes([node], [of_shape(["N", 11])], [output], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            by_name(["alcohol", "colour"]), "needs colour, which no record has; records have fixed_", id="name"
        ),
        pytest.param(picking_alcohol(kind=INT64), r"its input 'x' is a tensor\(int64\); records are", id="int64 input"),
        pytest.param(
            applying("Identity", ["N", 11, 1]),
            r"its input 'x' has shape \['N', 11, 1\] instead of \[N, 11\]",
            id="rank",
        ),
        pytest.param(giving_probabilities_only(), "its first output is a seq.*; it must be the score or", id="output"),
        pytest.param(b"\x08\x08garbage", "onnxruntime cannot load it: ", id="no protobuf"),
        pytest.param(picking_alcohol()[:-20], "onnxruntime cannot load it: ", id="truncated"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_at_load(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        OnnxModel(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(picking_alcohol(["N", 12]), "Got invalid dimensions", id="12 columns"),
        pytest.param(picking_alcohol([1, 11]), "Got invalid dimensions", id="one record at a time"),
        pytest.param(applying("Identity", ["N", 11]), r"output of shape \[3, 11\] for 3 records", id="many numbers"),
        pytest.param(
            applying("ReduceMean", ["N", 11], keepdims=0), r"output of shape \[\] for 3 records", id="one for all"
        ),
    ],
)
def test_a_batch_that_does_not_fit_raises_a_reason(content: bytes, reason: str) -> None:
    model = OnnxModel(content)
    with pytest.raises(Exception, match=reason):
        model.score(TYPICAL)


@pytest.mark.parametrize("as_constant", [False, True])
def test_weights_in_another_file_are_refused_even_if_the_file_is_there(
    as_constant: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    external = numpy_helper.from_array(np.ones((11, 1), dtype=np.float32), "w")
    (tmp_path / "weights.bin").write_bytes(external.raw_data)
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    external.external_data.add(key="location", value="weights.bin")
    constant = [helper.make_node("Constant", [], ["w"], value=external)] if as_constant else []
    content = onnx_bytes(
        [*constant, helper.make_node("MatMul", ["x", "w"], ["y"])],
        [of_shape(["N", 11])],
        [of_shape(["N", 1], name="y")],
        [] if as_constant else [external],
    )
    monkeypatch.chdir(tmp_path)
    onnx.checker.check_model(content)  # the model itself is in order
    with pytest.raises(ValueError, match=r"keeps weights in another file \(external data\); save it as a single file"):
        OnnxModel(content)


def test_a_closed_model_says_so() -> None:
    model = OnnxModel(picking_alcohol())
    model.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        model.score(TYPICAL)


def test_the_features_are_left_as_they_are() -> None:
    wines: Features = TYPICAL.copy()
    OnnxModel(picking_alcohol(kind=DOUBLE)).score(wines)
    assert np.array_equal(wines, TYPICAL)
