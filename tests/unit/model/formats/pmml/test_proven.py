"""What may go to PMML4S: only what it is proven to score as the reference engine does. All else is refused by name.

The documents and JPMML's scores are made by ``make proven``.
"""

import json
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from model.formats.pmml.document import checked, kind_of
from model.formats.pmml.java_model import JavaModel
from model.formats.pmml.load import pmml_model
from model.formats.pmml.proven import PROVEN, unproven
from tests.support.pmml_examples import changed
from tests.support.pmml_text import pmml, regression
from tests.support.process import ROOT

DOCUMENTS = sorted((ROOT / "tests" / "proven").glob("*.pmml"))
EXPECTED = json.loads((ROOT / "tests" / "proven" / "expected.json").read_text("utf-8"))
REMEDY = "export it to ONNX, or start the server with --pmml-engine jpmml"


def document(name: str) -> bytes:
    """One of the documents."""
    return next(path for path in DOCUMENTS if path.stem == name).read_bytes()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.stem))
def test_pmml4s_scores_what_is_proven_as_the_reference_does(path: Path) -> None:
    content = path.read_bytes()
    assert unproven(checked(content).root) is None
    scores = JavaModel(checked(content), "for this test").score(np.array(EXPECTED["features"]))
    expected = [np.nan if score is None else score for score in EXPECTED["scores"][path.stem]]
    assert scores == pytest.approx(expected, rel=1e-9, abs=0, nan_ok=True)


def test_every_element_attribute_and_value_on_the_list_is_in_a_document() -> None:
    seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    children: dict[str, set[str]] = defaultdict(set)
    for path in DOCUMENTS:
        for element in ElementTree.parse(path).getroot().iter():
            for name, value in element.attrib.items():
                seen[kind_of(element)][name].add(value)
            children[kind_of(element)] |= {kind_of(child) for child in element}
            assert seen[kind_of(element)] is not None
    harmless = {"ModelVerification", "MiningBuildTask"}  # see NOT_FOR_THE_SCORE
    for kind, proven in PROVEN.items():
        assert kind in seen, kind
        for name, allowed in proven.attributes.items():
            if name in ("modelName", "algorithmName", "isScorable"):
                continue  # in each model's element; one has them
            assert name in seen[kind], f"{kind} {name}"
            values = getattr(allowed, "__self__", None)
            if isinstance(values, frozenset):
                assert values <= seen[kind][name], f"{kind} {name}"
        if kind not in MODELS:
            assert proven.children - harmless <= children[kind], kind
    in_models = set().union(*(children[kind] for kind in MODELS))
    assert set().union(*(PROVEN[kind].children for kind in MODELS)) - harmless <= in_models


PH = 'name="pH" optype="continuous" dataType="double"'
MODELS = ("SupportVectorMachineModel", "NearestNeighborModel", "Scorecard", "RuleSetModel")


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("rules", "firstHit", "weightedSum", "its RuleSelectionMethod has criterion='weightedSum'"),
        ("rules", 'defaultScore="5" ', "", "its RuleSet has no defaultScore"),
        ("rules", 'score="7"', 'score="8"', "gives a score that is none of its target's values"),
        ("rules", '<SimpleRule id="r1"', '<CompoundRule/><SimpleRule id="r1"', "its RuleSet contains CompoundRule"),
        ("rules", 'operator="greaterThan"', 'operator="isMissing"', "its SimplePredicate has operator='isMissing'"),
        ("rules", 'field="alcohol"', 'field="colour"', "its SimplePredicate names 'colour', which is no field to"),
        ("scorecard", 'useReasonCodes="false"', 'useReasonCodes="true"', "its Scorecard has useReasonCodes='true'"),
        ("scorecard", 'function="*"', 'function="pow"', "its Apply has function='pow'"),
        ("scorecard", '"double">2</Constant></Apply></DerivedField', '"double">0</Constant></Apply></DerivedField',
         "its Apply divides by something"),
        ("scorecard", '<Attribute partialScore="9"><True/></Attribute>', "", "whose last Attribute is not for all"),
        ("scorecard", 'name="final"', 'name="q"', "has two fields of one name"),
        ("scorecard", '<MiningField name="pH"/>', '<MiningField name="pH" outliers="asExtremeValues"/>',
         "its MiningField has outliers"),
        ("scorecard", PH, PH.replace("double", "float"), "its DataField has dataType='float'"),
        ("scorecard", PH, PH.replace("double", "integer"), "its DataField 'pH' is continuous and integer"),
        ("neighbours", 'continuousScoringMethod="average"', 'continuousScoringMethod="weightedAverage"',
         "its NearestNeighborModel has continuousScoringMethod='weightedAverage'"),
        ("neighbours", "<euclidean/>", "<chebychev/>", "its ComparisonMeasure contains chebychev"),
        ("neighbours", "<t>5.5</t>", "<t></t>", "has a training row without a number in each column"),
        ("neighbours", 'numberOfNeighbors="2"', 'numberOfNeighbors="5"', "has less training rows than neighbours"),
        ("vectors", '<Value value="6"/>', '<Value value="6"/><Value value="7"/>', "not between the target's two"),
        ("vectors", 'threshold="0"', 'threshold="0.5"', "its SupportVectorMachineModel has threshold='0.5'"),
        ("vectors", ">1 0.5<", ">1 0.5 3<", "has an Array that is not 2 numbers"),
        ("vectors", 'vectorId="a"', 'vectorId="b"', "has SupportVectors that are not the VectorInstances"),
        ("vectors", "</SupportVectorMachine>", "</SupportVectorMachine><SupportVectorMachine/>",
         "has 2 SupportVectorMachines, between which ties"),
        ("svr_rbf", 'gamma="0.05"', "", "its RadialBasisKernelType has no gamma"),
    ],
)  # fmt: skip
def test_what_nobody_has_compared_is_refused_by_name(name: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{'.*'}; {REMEDY}$") as caught:
        pmml_model(changed(document(name), old, new))
    assert reason in str(caught.value)


def test_of_another_kind_of_model_it_is_said_what_is_not_compiled() -> None:
    content = pmml(regression({"alcohol": 1.0}), ["alcohol"]).replace(
        b"<NumericPredictor", b"<Oracle/><NumericPredictor"
    )
    with pytest.raises(
        ValueError, match=f"its RegressionTable contains Oracle, which is not known exactly.*; {REMEDY}$"
    ):
        pmml_model(content)


def test_naive_bayes_is_refused_as_far_wines_get_other_labels_than_by_the_reference() -> None:
    with pytest.raises(ValueError, match=f"NaiveBayesModel.*; {REMEDY}$"):
        pmml_model(pmml("<NaiveBayesModel functionName='classification' threshold='0'/>", ["alcohol"]))
