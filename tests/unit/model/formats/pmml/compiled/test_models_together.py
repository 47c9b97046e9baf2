"""Fields, targets, predicates and models of models, each value worked out by hand from PMML 4.4.

Where the standard leaves it open, "JPMML" names the source: the evaluator 1.7.7, asked.
"""

import math

import numpy as np
import pytest

from model.features import WINE, Features
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.inputs import TYPICAL
from tests.support.pmml_text import Node, pmml, regression, schema, target_of, tree_model

NAN = math.nan
SIMPLE = '<SimplePredicate field="{}" operator="{}" value="{}"/>'
BELOW_10, ABOVE_10 = SIMPLE.format("alcohol", "lessThan", 10), SIMPLE.format("alcohol", "greaterThan", 10)
LINEAR = regression({"alcohol": 2.0})
"""1 + 2 * alcohol."""


def wines(*alcohol: float) -> Features:
    """Typical wines with this much alcohol."""
    features = np.tile(TYPICAL[1], (len(alcohol), 1))
    features[:, WINE.index("alcohol")] = alcohol
    return features


def scores(content: bytes, *alcohol: float) -> list[float]:
    """What the document gives such wines."""
    return [float(each) for each in compiled(checked(content).root).score(wines(*alcohol))]


def of_field(inside: str, more: str, data_type: str = "double") -> bytes:
    """1 + 2 * alcohol; what its DataField contains, and its MiningField says."""
    data = f'<DataField name="alcohol" optype="continuous" dataType="{data_type}">{inside}</DataField>'
    model = LINEAR.replace('<MiningField name="alcohol"/>', f'<MiningField name="alcohol" {more}/>')
    return pmml(model, [data])


BETWEEN = '<Interval closure="closedOpen" leftMargin="9" rightMargin="11"/>'


@pytest.mark.parametrize(
    ("inside", "more", "expected"),  # for 8, 9, 10 and 11 % of alcohol
    [
        ("", 'outliers="asExtremeValues" lowValue="9" highValue="10"', [19, 19, 21, 21]),
        ("", 'outliers="asMissingValues" lowValue="9" highValue="10"', [NAN, 19, 21, NAN]),
        ("", 'outliers="asMissingValues" lowValue="9" highValue="10" missingValueReplacement="0"', [1, 19, 21, 1]),
        (BETWEEN, "", [NAN, 19, 21, NAN]),
        (BETWEEN, 'invalidValueTreatment="asIs"', [17, 19, 21, 23]),
        (BETWEEN, 'invalidValueTreatment="asMissing" missingValueReplacement="0"', [1, 19, 21, 1]),
        (BETWEEN, 'invalidValueTreatment="asValue" invalidValueReplacement="1"', [3, 19, 21, 3]),
        ('<Value value="9"/><Value value="10.0"/>', "", [NAN, 19, 21, NAN]),
        ('<Value value="9" property="missing"/>', 'missingValueReplacement="0"', [17, 1, 21, 23]),
        ('<Value value="9" property="missing"/>', 'missingValueTreatment="returnInvalid"', [17, NAN, 21, 23]),
        ('<Value value="9" property="invalid"/>', "", [17, NAN, 21, 23]),
        ('<Value value="NaN" property="missing"/>', "", [17, 19, 21, 23]),  # no wine has one
    ],
)
def test_a_field_s_values_are_treated_as_it_says(inside: str, more: str, expected: list[float]) -> None:
    assert scores(of_field(inside, more), 8.0, 9.0, 10.0, 11.0) == pytest.approx(expected, nan_ok=True)


def test_an_integer_field_has_no_fractions() -> None:
    assert scores(of_field("", "", "integer"), 9.0, 9.5) == pytest.approx([19, NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("target", "expected"),  # of 17 and 21
    [
        ('min="18" max="20"', [18, 20]),
        ('rescaleFactor="0.5" rescaleConstant="1"', [9.5, 11.5]),
        ('max="20" rescaleFactor="0.5" rescaleConstant="1"', [9.5, 11]),  # limits come first
        ('rescaleFactor="0.5" castInteger="round"', [9, 11]),  # 8.5, 10.5
        ('rescaleFactor="0.5" castInteger="floor"', [8, 10]),
        ('rescaleFactor="0.5" castInteger="ceiling"', [9, 11]),
    ],
)
def test_a_target_is_limited_then_rescaled_then_rounded(target: str, expected: list[float]) -> None:
    model = LINEAR.replace("<RegressionTable", f'<Targets><Target field="q" {target}/></Targets><RegressionTable')
    assert scores(pmml(model, ["alcohol"]), 8.0, 10.0) == expected


def test_a_missing_prediction_may_have_a_default() -> None:
    default = '<Targets><Target field="q" rescaleFactor="2"><TargetValue defaultValue="4"/></Target></Targets>'
    content = of_field("", 'outliers="asMissingValues" lowValue="9" highValue="10"')
    content = content.replace(b"<RegressionTable", f"{default}<RegressionTable".encode())
    assert scores(content, 8.0, 10.0) == [8.0, 42.0]  # 2 * 4, 2 * 21


def tree(*children: str, missing: str = "", root: str = 'score="0"') -> bytes:
    """A regression tree; alcohol below 0 is missing."""
    model = (
        f'<TreeModel functionName="regression" {missing}><MiningSchema><MiningField name="q" usageType="target"/>'
        '<MiningField name="alcohol" outliers="asMissingValues" lowValue="0" highValue="99"/><MiningField name="pH"/>'
        f"</MiningSchema><Node {root}><True/>{''.join(children)}</Node></TreeModel>"
    )
    return pmml(model, ["alcohol", "pH"])


def child(score: int, condition: str, name: str = "") -> str:
    """A leaf."""
    return f'<Node id="{name}" score="{score}">{condition}</Node>'


def both(operator: str, *conditions: str) -> str:
    """A CompoundPredicate."""
    return f'<CompoundPredicate booleanOperator="{operator}">{"".join(conditions)}</CompoundPredicate>'


IN = (
    '<SimpleSetPredicate field="alcohol" booleanOperator="{}"><Array type="real" n="2">8 9</Array></SimpleSetPredicate>'
)
ACID = SIMPLE.format("pH", "lessThan", 9)
"""True for all wines."""


@pytest.mark.parametrize(
    ("condition", "expected"),  # for 8, 12 and no alcohol
    [
        (SIMPLE.format("alcohol", "equal", 8), [1, 0, 0]),
        (SIMPLE.format("alcohol", "notEqual", 8), [0, 1, 0]),
        (IN.format("isIn"), [1, 0, 0]),
        (IN.format("isNotIn"), [0, 1, 0]),
        ('<SimplePredicate field="alcohol" operator="isMissing"/>', [0, 0, 1]),
        ('<SimplePredicate field="alcohol" operator="isNotMissing"/>', [1, 1, 0]),
        (both("and", BELOW_10, ACID), [1, 0, 0]),
        (both("or", BELOW_10, "<False/>"), [1, 0, 0]),
        (both("or", BELOW_10, ACID), [1, 1, 1]),  # unknown or true is true
        (both("xor", BELOW_10, ACID), [0, 1, 0]),
        (both("xor", ACID, ACID, ACID), [1, 1, 1]),  # an odd number
        (both("surrogate", BELOW_10, ACID), [1, 0, 1]),
    ],
)
def test_a_predicate_is_true_false_or_unknown(condition: str, expected: list[float]) -> None:
    content = tree(child(1, condition), missing='noTrueChildStrategy="returnLastPrediction"')
    assert scores(content, 8.0, 12.0, -1.0) == expected


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("none", 3.0),  # what is unknown is not true: the last child takes it
        ("nullPrediction", NAN),
        ("lastPrediction", 0.0),
        ("defaultChild", 2.0),
    ],
)
def test_where_a_split_is_unknown_the_strategy_decides(strategy: str, expected: float) -> None:
    children = child(1, BELOW_10, "a"), child(2, ABOVE_10, "b"), child(3, "<True/>", "c")
    content = tree(*children, missing=f'missingValueStrategy="{strategy}"', root='score="0" defaultChild="b"')
    assert scores(content, 8.0, 12.0, -1.0) == pytest.approx([1, 2, expected], nan_ok=True)


def constant(number: float, target: str = '<MiningField name="q" usageType="target"/>') -> str:
    """A regression that always gives this."""
    table = f'<RegressionTable intercept="{number}"/>'
    return f'<RegressionModel functionName="regression"><MiningSchema>{target}</MiningSchema>{table}</RegressionModel>'


def label(name: str) -> str:
    """A tree that always gives this label."""
    return tree_model(Node(name), ["alcohol"])


def together(
    method: str, *segments: tuple[float, str, str], function: str = "regression", more: str = "", application: str = ""
) -> bytes:
    """Segments of weight, condition and model."""
    text = "".join(f'<Segment weight="{w}">{condition}{model}</Segment>' for w, condition, model in segments)
    model = (
        f'<MiningModel functionName="{function}">{schema("alcohol")}'
        f'<Segmentation multipleModelMethod="{method}" {more}>{text}</Segmentation></MiningModel>'
    )
    target = (
        target_of("5", "6", "7")
        if function == "classification"
        else '<DataField name="q" optype="continuous" dataType="double"/>'
    )
    header = f'<Header><Application name="{application}"/></Header>'
    return pmml(model, ["alcohol"], target).replace(b"<Header/>", header.encode())


THREE = (1, "<True/>", constant(1)), (2, BELOW_10, constant(5)), (3, "<True/>", constant(3))
SILENT = tree_model(
    Node(children=(Node("1", name="alcohol", operator="lessThan", value="0"),)), ["alcohol"], "regression"
)
"""A model that has no answer."""


@pytest.mark.parametrize(
    ("method", "expected"),  # below and above 10 % of alcohol, where the second segment does not count
    [
        ("sum", [9, 4]),
        ("weightedSum", [20, 10]),
        ("average", [3, 2]),
        ("weightedAverage", [20 / 6, 2.5]),
        ("median", [3, 2]),
        ("weightedMedian", [3, 3]),  # 1, 3, 3, 3, 5, 5; 1, 3, 3, 3
        ("selectFirst", [1, 1]),
        ("modelChain", [3, 3]),
    ],
)
def test_segments_are_put_together_by_the_method(method: str, expected: list[float]) -> None:
    assert scores(together(method, *THREE), 9.0, 11.0) == pytest.approx(expected)


@pytest.mark.parametrize(("treatment", "expected"), [("continue", NAN), ("returnMissing", NAN), ("skipSegment", 5.0)])
def test_a_segment_without_an_answer_is_treated_as_the_model_says(treatment: str, expected: float) -> None:
    more = f'missingPredictionTreatment="{treatment}"'
    content = together("average", (1, "<True/>", SILENT), (1, "<True/>", constant(5)), more=more)
    assert scores(content, 9.0) == pytest.approx([expected], nan_ok=True)


def test_the_first_segment_that_is_for_a_wine_answers() -> None:
    content = together("selectFirst", (1, BELOW_10, constant(1)), (1, ABOVE_10, constant(2)))
    assert scores(content, 9.0, 10.0, 11.0) == pytest.approx([1, NAN, 2], nan_ok=True)


def test_a_chain_hands_on_what_its_models_put_out() -> None:
    output = (
        '<Output><OutputField name="p"/><OutputField name="s" feature="transformedValue" optype="continuous" '
        'dataType="double"><Apply function="*"><FieldRef field="p"/><FieldRef field="alcohol"/></Apply></OutputField>'
        "</Output>"
    )
    first = LINEAR.replace('<MiningField name="q" usageType="target"/>', "").replace(
        "</MiningSchema>", f"</MiningSchema>{output}"
    )
    content = together("modelChain", (1, "<True/>", first), (1, "<True/>", regression({"s": 10.0})))
    assert scores(content, 9.0) == [1 + 10 * (1 + 2 * 9) * 9]


def test_a_label_s_probability_may_be_a_field_of_the_next_model() -> None:
    output = '<Output><OutputField name="p6" feature="probability" value="6"/></Output>'
    leaves = Node("5", {"5": 3, "6": 1}, name="alcohol", value="10"), Node("6", {"6": 4})
    first = tree_model(Node(children=leaves), ["alcohol"]).replace('<MiningField name="q" usageType="target"/>', "")
    first = first.replace("</MiningSchema>", f"</MiningSchema>{output}")
    content = together("modelChain", (1, "<True/>", first), (1, "<True/>", regression({"p6": 8.0})))
    assert scores(content, 9.0, 11.0) == [3.0, 9.0]  # 1 + 8 * 1 / 4, 1 + 8


def vote(*votes: tuple[float, str], method: str = "majorityVote", application: str = "") -> float:
    """Which label wins."""
    segments = [(weight, "<True/>", label(name)) for weight, name in votes]
    return scores(together(method, *segments, function="classification", application=application), 9.0)[0]


def test_the_label_with_most_votes_wins() -> None:
    assert vote((1, "5"), (1, "6"), (1, "6")) == 6
    assert vote((3, "5"), (1, "6"), (1, "6")) == 6  # weights do not count
    assert vote((3, "5"), (1, "6"), (1, "6"), method="weightedMajorityVote") == 5


def test_of_equals_the_first_vote_wins_but_the_first_label_where_scikit_learn_trained_the_model() -> None:
    assert vote((1, "7"), (1, "5")) == 7  # JPMML
    assert vote((1, "7"), (1, "5"), application="SkLearn2PMML package") == 5  # VotingClassifier: numpy.argmax


def test_integers_are_divided_as_the_exporter_s_language_does() -> None:
    local = (
        '<LocalTransformations><DerivedField name="x" optype="continuous" dataType="double"><Apply function="/">'
        '<Constant dataType="integer">7</Constant><Constant dataType="integer">2</Constant></Apply></DerivedField>'
        "</LocalTransformations><RegressionTable"
    )
    content = pmml(
        LINEAR.replace("<RegressionTable", local).replace('Predictor name="alcohol"', 'Predictor name="x"'), ["alcohol"]
    )
    assert scores(content, 9.0) == [7.0]  # 1 + 2 * 3
    python = content.replace(b"<Header/>", b'<Header><Application name="SkLearn2PMML package"/></Header>')
    assert scores(python, 9.0) == [8.0]  # 1 + 2 * 3.5


def test_an_intercept_is_a_threshold_where_spark_wrote_the_document() -> None:
    tables = (
        '<RegressionTable intercept="-5" targetCategory="6"><NumericPredictor name="alcohol" coefficient="0.5"/>'
        '</RegressionTable><RegressionTable intercept="0.4" targetCategory="5"/>'
    )
    for method in ("logit", "none"):
        model = (
            f'<RegressionModel functionName="classification" normalizationMethod="{method}">{schema("alcohol")}'
            f"{tables}</RegressionModel>"
        )
        content = pmml(model, ["alcohol"], target_of("5", "6"))
        # The sums are 0.25, 0.5 and 2: 1 / (1 + e ** -0.25) is above a half; 0.25 itself is not.
        assert scores(content, 10.5, 14.0) == [6 if method == "logit" else 5, 6]
        spark = content.replace(b"<Header/>", b'<Header><Application name="Apache Spark MLlib"/></Header>')
        assert scores(spark, 10.5, 11.0, 14.0) == [5, 6, 6]  # above 0.4


def test_an_ensemble_of_floats_is_added_up_in_float() -> None:
    trees = "".join(
        f"<Segment><True/>{tree_model(Node(str(n)), ['alcohol'], 'regression')}</Segment>" for n in (0.1, 0.2, 0.7)
    )
    trees = trees.replace("<TreeModel", '<TreeModel x-mathContext="float"')
    model = (
        f'<MiningModel functionName="regression" x-mathContext="float">{schema("alcohol")}'
        f'<Segmentation multipleModelMethod="sum">{trees}</Segmentation></MiningModel>'
    )
    expected = np.float32(0.1) + np.float32(0.2) + np.float32(0.7)
    assert scores(pmml(model, ["alcohol"]), 9.0) == [float(expected)]


def test_the_first_scorable_model_of_a_document_is_its_model() -> None:
    first = LINEAR.replace("<RegressionModel", '<RegressionModel isScorable="false"')
    assert scores(pmml(first + regression({"alcohol": 3.0}), ["alcohol"]), 9.0) == [28.0]
    assert scores(pmml(LINEAR + first, ["alcohol"]), 9.0) == [19.0]
    with pytest.raises(ValueError, match="is not for scoring"):
        scores(pmml(first, ["alcohol"]), 9.0)
