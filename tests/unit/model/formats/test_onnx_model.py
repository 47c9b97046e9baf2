"""ONNX models made by hand: what they may look like, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.features import WINE, Features
from model.formats.onnx_model import OnnxModel
from model.inputs import TYPICAL, trial_wines
from tests.support.process import ROOT

FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING
FLOAT16, BOOL = TensorProto.FLOAT16, TensorProto.BOOL
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


def applying(
    operator: str, input_shape: list[Any], output: Any = None, constant: Any = None, **attributes: Any
) -> bytes:
    """A model of one operator."""
    inputs, weights = (["x"], []) if constant is None else (["x", constant.name], [constant])
    return onnx_bytes(
        [helper.make_node(operator, inputs, ["y"], **attributes)],
        [of_shape(input_shape)],
        [of_shape([], name="y") if output is None else output],
        weights,
    )


def two_inputs(first: list[Any], second: list[Any]) -> bytes:
    """A model of two inputs of these shapes."""
    nodes = [helper.make_node("ReduceMean", ["pH"], ["mean"]), helper.make_node("Add", ["alcohol", "mean"], ["y"])]
    inputs = [of_shape(first, name="alcohol"), of_shape(second, name="pH")]
    return onnx_bytes(nodes, inputs, [of_shape(["N", 1], name="y")], [])


def ir_version_of(content: bytes, version: int) -> bytes:
    """The same model, stamped with another IR version."""
    model = onnx.ModelProto.FromString(content)
    model.ir_version = version
    stamped: bytes = model.SerializeToString()
    return stamped


def opset_of(content: bytes, domain: str, version: int) -> bytes:
    """The same model, stamped with another opset of a domain."""
    model = onnx.ModelProto.FromString(content)
    next(each for each in model.opset_import if each.domain == domain).version = version
    stamped: bytes = model.SerializeToString()
    return stamped


NEWER_IR = (
    rf"is of ONNX IR version 99, which is newer than onnxruntime {onnxruntime.__version__} reads; "
    r"export it for IR version \d\d or lower$"
)
NEWER_OPSET = (
    rf"is of opset 99 of {{}}, which is newer than onnxruntime {onnxruntime.__version__} has; "
    r"export it for opset \d+ or lower$"
)


def inside_a_branch(content: bytes) -> bytes:
    """The same model with its nodes in a branch of an If."""
    model = onnx.ModelProto.FromString(content)
    output = of_shape(["N", 1], name="y")
    branch = helper.make_graph(list(model.graph.node), "branch", [], [output])
    node = helper.make_node("If", ["mode"], ["y"], then_branch=branch, else_branch=branch)
    del model.graph.node[:]
    model.graph.node.append(node)
    changed: bytes = model.SerializeToString()
    return changed


def inside_a_function(content: bytes) -> bytes:
    """The same model with its last node in a function of its own."""
    model = onnx.ModelProto.FromString(content)
    last = model.graph.node[-1]
    function = helper.make_function("own", "Last", ["alcohol"], ["y"], [last], [helper.make_opsetid("", 17)])
    del model.graph.node[-1]
    model.graph.node.append(helper.make_node("Last", ["alcohol"], ["y"], domain="own"))
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    changed: bytes = model.SerializeToString()
    return changed


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            by_name(["alcohol", "colour"]), "needs colour, which no record has; records have fixed_", id="name"
        ),
        pytest.param(picking_alcohol(kind=INT64), r"its input 'x' is a tensor\(int64\); records are", id="int64 input"),
        pytest.param(
            applying("Identity", ["N", 11, 1]),
            r"its input 'x' has shape \['N', 11, 1\] instead of \[N, 11\]; export it for a table",
            id="rank",
        ),
        pytest.param(b"\x08\x08garbage", "is no ONNX model .protobuf., or not all of one; send", id="no protobuf"),
        pytest.param(picking_alcohol()[:-20], "is no ONNX model .protobuf., or not all of one; send", id="truncated"),
        pytest.param(b"\x08\x08", "onnxruntime cannot load it: No graph was found.*; export it again", id="no graph"),
        pytest.param(picking_alcohol(["N", 12]), "its input 'x' takes 12 numbers, and a record has 11; train", id="12"),
        pytest.param(
            picking_alcohol([3, 11]),
            "its input 'x' has its batch dimension fixed at 3, .*; export it with a dynamic batch dimension .or of 1.$",
            id="three records at a time",
        ),
        pytest.param(
            applying("Identity", ["N", 11], of_shape(["N", None], name="y")),
            r"has no output that is one number.* \['N', 11\]; ",
            id="many",
        ),
        pytest.param(picking_alcohol(kind=FLOAT16), r"its input 'x' is a tensor\(float16\); records are", id="float16"),
        pytest.param(picking_alcohol(kind=STRING), r"its input 'x' is a tensor\(string\); records are", id="text"),
        pytest.param(ir_version_of(picking_alcohol(), 99), NEWER_IR, id="IR version"),
        pytest.param(opset_of(picking_alcohol(), "", 99), NEWER_OPSET.format("ai.onnx"), id="opset"),
        pytest.param(opset_of(picking_alcohol(), "ai.onnx.ml", 99), NEWER_OPSET.format("ai.onnx.ml"), id="ML's opset"),
        pytest.param(
            applying("Foo", ["N", 11], domain="com.acme"), "uses the custom operator com.acme.Foo, ", id="custom"
        ),
        pytest.param(
            applying("Gelu", ["N", 11]), "uses the operator Gelu, which .* opset that the", id="newer operator"
        ),
        pytest.param(
            two_inputs(["N", 1], ["N", 10]), "has 2 inputs, of which 'pH' takes 10 numbers for each record; ", id="two"
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused_at_load(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        OnnxModel(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            applying("Reshape", ["N", 11], of_shape([], name="y"), numpy_helper.from_array(np.array([3, 11]), "s")),
            r"onnxruntime cannot score with it: .*Reshape.* Input shape:\{23,11\}, requested shape:\{3,11\}; export it",
            id="three records inside",
        ),
        pytest.param(
            applying("ReduceMean", ["N", 11], keepdims=0),
            r"its output 'y' has shape \[\] for 23 records instead of one number, or label, for each; export",
            id="one for all",
        ),
        pytest.param(
            applying("Identity", ["N", 11]),
            r"its output 'y' has shape \[23, 11\] for 23 records instead of one number, or label, for each; export",
            id="many numbers",
        ),
    ],
)
def test_a_batch_that_does_not_fit_raises_a_reason(content: bytes, reason: str) -> None:
    model = OnnxModel(content)
    with pytest.raises(ValueError, match=reason):
        model.score(trial_wines())


def test_a_batch_dimension_of_1_is_served_record_by_record_and_says_so() -> None:
    model = OnnxModel(picking_alcohol([1, 11], output_shape=[1]))
    assert model.scored_by == "record by record: its batch dimension is fixed at 1"
    assert model.score(TYPICAL) == pytest.approx(TYPICAL[:, ALCOHOL], rel=1e-6)
    assert OnnxModel(picking_alcohol()).scored_by is None


LABEL, VALUE = of_shape(["N"], INT64, "label"), of_shape(["N", 1], FLOAT, "variable")
CLASSES = of_shape(["N", 3], FLOAT, "probabilities")
ZIPPED = helper.make_value_info(
    "zipped",
    helper.make_sequence_type_proto(helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, None))),
)


def with_outputs(*outputs: Any) -> bytes:
    """A model that gives a wine: the label 6, the value 7.5, and probabilities 0.2, 0.5, 0.3 of the labels 5, 6, 7."""
    nodes = [
        helper.make_node("Gather", ["x", "column"], ["alcohol"], axis=1),
        helper.make_node("Mul", ["alcohol", "nothing"], ["zeros"]),
        helper.make_node("Squeeze", ["zeros", "one"], ["flat"]),
        helper.make_node("Add", ["zeros", "p"], ["probabilities"]),
        helper.make_node("Add", ["zeros", "v"], ["variable"]),
        helper.make_node("Add", ["flat", "l"], ["label as float"]),
        helper.make_node("Cast", ["label as float"], ["label"], to=INT64),
        helper.make_node("Cast", ["label as float"], ["half"], to=FLOAT16),
        helper.make_node("Greater", ["flat", "l"], ["yes"]),
        helper.make_node("Identity", ["label"], ["number"]),
        helper.make_node("Identity", ["variable"], ["other"]),
        helper.make_node("ZipMap", ["probabilities"], ["zipped"], domain="ai.onnx.ml", classlabels_int64s=[5, 6, 7]),
    ]
    weights = [weight("column", ALCOHOL), weight("nothing", 0.0), weight("one", 1), weight("p", 0.2, 0.5, 0.3)]
    weights += [weight("v", 7.5), weight("l", 6.0)]
    return onnx_bytes(nodes, [of_shape(["N", 11])], list(outputs), weights)


@pytest.mark.parametrize(
    ("outputs", "score"),
    [
        pytest.param([LABEL, CLASSES], 6.0, id="skl2onnx"),
        pytest.param([CLASSES, LABEL], 6.0, id="the label second"),
        pytest.param([LABEL, ZIPPED], 6.0, id="LightGBM and CatBoost"),
        pytest.param([ZIPPED, LABEL], 6.0, id="the label behind the dictionaries"),
        pytest.param([ZIPPED], 6.0, id="dictionaries only"),
        pytest.param([VALUE], 7.5, id="a value"),
        pytest.param([CLASSES, VALUE], 7.5, id="a value and something else"),
        pytest.param([of_shape(["N"], INT64, "number"), CLASSES], 6.0, id="a label of another name"),
        pytest.param([of_shape(["N", 1], FLOAT, "other"), VALUE], 7.5, id="two values, of which one has a known name"),
        pytest.param([VALUE, LABEL], 6.0, id="a value beside the label"),
    ],
)
def test_the_score_is_found_by_its_role(outputs: list[Any], score: float) -> None:
    assert OnnxModel(with_outputs(*outputs)).score(TYPICAL).tolist() == [score] * 3


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        pytest.param(
            [of_shape(["N", 1], FLOAT, "other"), of_shape(["N"], INT64, "number")],
            r"has 2 outputs that could be its score: 'other' tensor\(float\) \['N', 1\], 'number' .*; export one of",
            id="two of unknown names",
        ),
        pytest.param([CLASSES], r"has no output .* but: 'probabilities' tensor\(float\) \['N', 3\]; export", id="none"),
        pytest.param([of_shape(["N"], FLOAT16, "half")], r"has no output .*'half' tensor\(float16\)", id="float16"),
        pytest.param([of_shape(["N"], BOOL, "yes")], r"has no output .*'yes' tensor\(bool\)", id="bool"),
    ],
)
def test_a_model_without_one_score_is_refused(outputs: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        OnnxModel(with_outputs(*outputs))


def training(
    operator: str, inputs: list[str], as_constant: bool = False, mode: bool = True, **attributes: Any
) -> bytes:
    """The alcohol through an operator that has a training mode, or is random."""
    constant = [helper.make_node("Constant", [], ["mode"], value=numpy_helper.from_array(np.array(mode)))]
    weights = [weight("column", ALCOHOL), numpy_helper.from_array(np.array(0.5, dtype=np.float32), "half")]
    weights += [weight(name, 1.0) for name in ("scale", "bias", "mean", "var")]
    weights += [] if as_constant else [numpy_helper.from_array(np.array(mode), "mode")]
    gives = ["y", "mean now", "var now"] if operator == "BatchNormalization" and attributes else ["y"]
    return onnx_bytes(
        [
            *(constant if as_constant else []),
            helper.make_node("Gather", ["x", "column"], ["alcohol"], axis=1),
            helper.make_node(operator, inputs, gives, **attributes),
        ],
        [of_shape(["N", 11])],
        [of_shape(["N", 1], name="y")],
        weights,
    )


NORMALISED = ["alcohol", "scale", "bias", "mean", "var"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (training("BatchNormalization", NORMALISED, training_mode=1), "left in training mode .BatchNormalization."),
        (training("Dropout", ["alcohol", "half", "mode"]), "left in training mode .Dropout."),
        (training("Dropout", ["alcohol", "half", "mode"], as_constant=True), "left in training mode .Dropout."),
        (training("RandomNormalLike", ["alcohol"]), "draws random numbers .RandomNormalLike."),
        (inside_a_branch(training("Bernoulli", ["alcohol"])), "draws random numbers .Bernoulli."),
        (inside_a_function(training("Bernoulli", ["alcohol"])), "draws random numbers .Bernoulli."),
    ],
)
def test_a_graph_left_in_training_is_refused_before_it_scores(content: bytes, reason: str) -> None:
    with pytest.raises(
        ValueError, match=rf"is {reason}.*; export it in evaluation mode|^{reason}.*; export it in eval"
    ):
        OnnxModel(content)


@pytest.mark.parametrize(
    "content",
    [
        training("BatchNormalization", NORMALISED),
        training("Dropout", ["alcohol"]),
        training("Dropout", ["alcohol", "half"]),
        training("Dropout", ["alcohol", "half", "mode"], mode=False),
        training("Dropout", ["alcohol", "half", "mode"], mode=False, as_constant=True),
    ],
)
def test_the_same_operators_in_evaluation_mode_serve(content: bytes) -> None:
    expected = TYPICAL[:, ALCOHOL]  # scale 1, bias 1, mean 1, variance 1
    assert OnnxModel(content).score(TYPICAL) == pytest.approx(expected, rel=1e-4)


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
    with pytest.raises(
        ValueError, match=r"keeps weights in another file \(external data\): its tensor 'w'; save it as a single"
    ):
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


def test_onnxruntime_keeps_no_record_of_models_for_its_maker(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import model.formats.onnx_model"], cwd=ROOT, env=environment, check=True)
    assert not list(tmp_path.iterdir())
