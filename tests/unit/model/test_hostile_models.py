"""Hostile models, each refused with its reason; what is done about each format in particular is in its own tests."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from model import registry
from model.errors import ModelRejected
from model.inputs import TYPICAL
from model.reasons import MAX_REASON_CHARACTERS
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.hostile_models import ENTITY_BOMB, EXTERNAL_ENTITY, with_entities
from tests.support.pmml_examples import CLASSIFIER, LINEAR
from tests.support.pmml_text import Node, pmml, regression, split_at_10, target_of, tree_model
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
FLOAT = TensorProto.FLOAT


def onnx(operator: str, constant: float = 1.0, inputs: int = 11, output: list[str | int] | None = None) -> bytes:
    """A model of one operator between the wines and a constant of shape [1]."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["wines", "c"], ["score"])],
        "hostile",
        [helper.make_tensor_value_info("wines", FLOAT, ["N", inputs])],
        [helper.make_tensor_value_info("score", FLOAT, output or ["N", inputs])],
        [numpy_helper.from_array(np.array([constant], dtype=np.float32), "c")],
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content


def with_external_data(path: str) -> bytes:
    """A model whose weights are in another file."""
    weights = TensorProto(name="w", data_type=FLOAT, dims=[11, 1], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=path)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["wines", "w"], ["score"])],
        "hostile",
        [helper.make_tensor_value_info("wines", FLOAT, ["N", 11])],
        [helper.make_tensor_value_info("score", FLOAT, ["N", 1])],
        [weights],
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content


def refused(kind: str, content: bytes) -> str:
    """Why the registry refuses it: one line."""
    with pytest.raises(ModelRejected) as caught:
        registry.load(ModelDescriptor(name="hostile", dataType="wine", modeltype=kind, data=content))
    reason = caught.value.reason
    assert reason.isprintable()
    assert 0 < len(reason) <= MAX_REASON_CHARACTERS
    return reason


DOCTYPE = "has a <!DOCTYPE PMML>, which could name files or blow up; take it out"
WORDS = tree_model(split_at_10(Node("low"), Node("high")), ["alcohol"])


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        pytest.param("PMML", with_entities(LINEAR, ENTITY_BOMB, "&a9;"), DOCTYPE, id="an entity bomb"),
        pytest.param("PMML", with_entities(LINEAR, EXTERNAL_ENTITY, "&secret;"), DOCTYPE, id="an external entity"),
        pytest.param("PMML", with_entities(LINEAR, '<!ENTITY % p SYSTEM "http://h/x"> %p;', ""), DOCTYPE, id="a DTD"),
        pytest.param("ONNX", with_external_data("/etc/passwd"), "keeps weights in another file", id="external data"),
        pytest.param("ONNX", with_external_data("../w"), "keeps weights in another file", id="external data, above"),
        pytest.param(
            "ONNX",
            onnx("Add", inputs=12),
            "its input 'wines' takes 12 numbers, and a record has 11; train it on fixed_acidity",
            id="12 features",
        ),
        pytest.param(
            "PMML", pmml(regression({"taste": 1.0}), ["taste"]), "needs taste, which no record has", id="taste"
        ),
        pytest.param(
            "ONNX",
            onnx("Add"),
            "has no output that is one number, or label, for each record, but: 'score' tensor(float) ['N', 11]; export",
            id="many numbers",
        ),
        pytest.param(
            "PMML",
            pmml(WORDS, ["alcohol"], target_of("low", "high", data_type="string")),
            "gives labels such as 'low'; only labels that are numbers are served",
            id="labels that are words",
        ),
        pytest.param("PMML", CLASSIFIER.replace(b'score="6"', b'score="NaN"'), "gives labels such as 'NaN'", id="NaN"),
        pytest.param(
            "PMML",
            pmml(regression({"alcohol": 1e308}, 1e308), ["alcohol"]),
            "scores typical wines as [inf, inf, inf]; one finite number for each is needed",
            id="infinite scores",
        ),
    ],
)
def test_a_hostile_model_is_refused_with_its_reason(kind: str, content: bytes, reason: str) -> None:
    assert refused(kind, content).startswith(reason)


def test_a_model_that_scores_nan_is_refused() -> None:
    pick = helper.make_node("Gather", ["wines", "column"], ["alcohol"], axis=1)
    root = helper.make_node("Sqrt", ["negative"], ["score"])
    graph = helper.make_graph(
        [pick, helper.make_node("Neg", ["alcohol"], ["negative"]), root],
        "hostile",
        [helper.make_tensor_value_info("wines", FLOAT, ["N", 11])],
        [helper.make_tensor_value_info("score", FLOAT, ["N", 1])],
        [numpy_helper.from_array(np.array([10]), "column")],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    assert refused("ONNX", content) == (
        "scores typical wines as [nan, nan, nan]; one finite number for each is needed: train it on wines such as these"
    )


@pytest.mark.parametrize(
    ("kind", "file", "step"),
    [("ONNX", "wine-linear.onnx", 1), ("PMML", "wine-linear.pmml", 1), ("TENSORFLOW", "wine-network.pb", 97)],
)
def test_a_model_cut_off_at_any_byte_is_refused_or_scores_as_the_whole_does(kind: str, file: str, step: int) -> None:
    """A protobuf message does not say where it ends: a model can be cut off before what is optional."""
    whole = (MODELS / file).read_bytes()
    expected = registry.load(ModelDescriptor(dataType="wine", modeltype=kind, data=whole)).model.score(TYPICAL)
    unharmed = []
    for length in range(1, len(whole), step):
        descriptor = ModelDescriptor(dataType="wine", modeltype=kind, data=whole[:length])
        try:
            scores = registry.load(descriptor).model.score(TYPICAL)
        except ModelRejected as error:
            assert error.reason.isprintable(), length
        else:
            assert scores.tolist() == expected.tolist(), length
            unharmed.append(length)
    assert len(unharmed) <= 2
