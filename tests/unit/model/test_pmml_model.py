"""PMML models written by hand: what they may look like, and what is refused."""

import numpy as np
import pytest

from model.features import WINE
from model.inputs import TYPICAL
from model.pmml_model import PmmlModel

ALCOHOL = WINE.index("alcohol")


def pmml(
    model: str, inputs: list[str], target: str = '<DataField name="q" optype="continuous" dataType="double"/>'
) -> bytes:
    """A document with this model; ``inputs`` are names of double fields or whole DataFields."""
    double = '<DataField name="{}" optype="continuous" dataType="double"/>'
    fields = [field if field.startswith("<") else double.format(field) for field in inputs]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
        <PMML xmlns="http://www.dmg.org/PMML-4_3" version="4.3"><Header/>
        <DataDictionary>{target}{"".join(fields)}</DataDictionary>{model}</PMML>""".encode()


def schema(*inputs: str) -> str:
    """A mining schema with target q."""
    active = "".join(f'<MiningField name="{name}"/>' for name in inputs)
    return f'<MiningSchema><MiningField name="q" usageType="target"/>{active}</MiningSchema>'


def regression(coefficients: dict[str, float]) -> str:
    """1 + the sum of coefficient times field."""
    terms = "".join(f'<NumericPredictor name="{name}" coefficient="{c}"/>' for name, c in coefficients.items())
    return (
        f'<RegressionModel functionName="regression">{schema(*coefficients)}'
        f'<RegressionTable intercept="1">{terms}</RegressionTable></RegressionModel>'
    )


def tree(low: str, high: str, votes_low: dict[str, int], votes_high: dict[str, int]) -> str:
    """A classification tree: ``high`` for wines above 10 % alcohol, else ``low``."""
    leaves = [
        f'<Node score="{score}"><SimplePredicate field="alcohol" operator="{operator}" value="10"/>'
        + "".join(f'<ScoreDistribution value="{label}" recordCount="{n}"/>' for label, n in votes.items())
        + "</Node>"
        for score, operator, votes in ((low, "lessOrEqual", votes_low), (high, "greaterThan", votes_high))
    ]
    return (
        f'<TreeModel functionName="classification" splitCharacteristic="binarySplit">{schema("alcohol")}'
        f'<Node score="{low}"><True/>{"".join(leaves)}</Node></TreeModel>'
    )


def target_of(*labels: str, data_type: str = "integer") -> str:
    """A categorical target."""
    values = "".join(f'<Value value="{label}"/>' for label in labels)
    return f'<DataField name="q" optype="categorical" dataType="{data_type}">{values}</DataField>'


def forest(*trees: str) -> str:
    """A mining model that averages what these trees vote."""
    segments = "".join(f'<Segment id="{i}"><True/>{each}</Segment>' for i, each in enumerate(trees))
    return (
        f'<MiningModel functionName="classification">{schema("alcohol")}'
        f'<Segmentation multipleModelMethod="average">{segments}</Segmentation></MiningModel>'
    )


def test_a_regression_gets_its_inputs_by_name_and_loses_no_digit() -> None:
    model = PmmlModel(pmml(regression({"alcohol": 0.5, "pH": -0.25}), ["pH", "alcohol"]))
    wines = TYPICAL.copy()
    wines[0, ALCOHOL] = 9.533333333333333
    expected = 1 + 0.5 * wines[:, ALCOHOL] - 0.25 * wines[:, WINE.index("pH")]
    assert model.score(wines) == pytest.approx(expected, rel=1e-15)


def test_names_with_spaces_as_in_the_real_table_are_understood() -> None:
    model = PmmlModel(pmml(regression({"fixed acidity": 2.0}), ["fixed acidity"]))
    assert model.score(TYPICAL) == pytest.approx(1 + 2 * TYPICAL[:, 0], rel=1e-15)


@pytest.mark.parametrize("data_type", ["integer", "double", "string"])
def test_a_classifier_gives_its_label_as_a_number(data_type: str) -> None:
    content = pmml(
        tree("5", "6", {"5": 9, "6": 1}, {"5": 2, "6": 8}), ["alcohol"], target_of("5", "6", data_type=data_type)
    )
    assert PmmlModel(content).score(TYPICAL).tolist() == [5.0, 6.0, 6.0]  # alcohol 9.5, 10.2, 11.1


def test_a_classifier_whose_labels_are_words_is_refused() -> None:
    target = target_of("good", "5", data_type="string")
    with pytest.raises(ValueError, match="gives labels such as 'good'; only labels that are numbers are served"):
        PmmlModel(pmml(tree("5", "good", {"5": 9, "good": 1}, {"5": 2, "good": 8}), ["alcohol"], target))


def test_a_record_outside_what_the_model_allows_gets_nan_and_its_neighbours_their_scores() -> None:
    alcohol = '<DataField name="alcohol" optype="continuous" dataType="double"><Interval closure="closedClosed" \
        leftMargin="8" rightMargin="15"/></DataField>'
    model = PmmlModel(pmml(regression({"alcohol": 1.0}), [alcohol]))
    wines = TYPICAL.copy()
    wines[1, ALCOHOL] = 40.0
    scores = model.score(wines)
    assert np.isnan(scores[1])
    assert scores[[0, 2]].tolist() == [1 + 9.5, 1 + 11.1]


def test_a_forest_whose_leaves_list_all_classes_is_averaged() -> None:
    first = tree("5", "6", {"5": 6, "6": 4}, {"5": 4, "6": 6})
    second = tree("5", "6", {"5": 1, "6": 9}, {"5": 9, "6": 1})  # outvotes the first
    content = pmml(forest(first, second), ["alcohol"], target_of("5", "6"))
    # up to 10 %: class 6 has (0.4 + 0.9) / 2 of the votes; above: class 5 has (0.4 + 0.9) / 2
    assert PmmlModel(content).score(TYPICAL).tolist() == [6.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("votes", "target"),
    [
        pytest.param({"5": 3}, target_of("5", "6"), id="a leaf lacks a class"),
        pytest.param({}, target_of("5", "6"), id="a leaf lacks all classes"),
        pytest.param({"6": 3, "5": 7}, target_of("5", "6"), id="another order"),
        pytest.param({"5": 3, "6": 7}, target_of("5", "6", "7"), id="all leaves lack a class"),
        pytest.param({"5": 3}, target_of(), id="a leaf lacks a class, the target lists none"),
    ],
)
def test_a_forest_that_pmml4s_is_known_to_score_wrongly_is_refused(votes: dict[str, int], target: str) -> None:
    trees = forest(tree("5", "6", {"5": 6, "6": 4}, {"5": 4, "6": 6}), tree("5", "6", {"5": 6, "6": 4}, votes))
    with pytest.raises(ValueError, match="averages trees whose leaves do not all list every class in the same order"):
        PmmlModel(pmml(trees, ["alcohol"], target))


def test_a_single_tree_need_not_list_all_classes() -> None:
    content = pmml(tree("5", "6", {"5": 9}, {"6": 8}), ["alcohol"], target_of("5", "6"))
    assert PmmlModel(content).score(TYPICAL).tolist() == [5.0, 6.0, 6.0]


LINEAR = pmml(regression({"alcohol": 1.0}), ["alcohol"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            LINEAR.replace(b"coefficient", b"c"), "Required attribute 'coefficient' is missing", id="attribute"
        ),
        pytest.param(LINEAR.replace(b"RegressionModel", b"Oracle"), "Oracle is not a standard of PMML", id="element"),
        pytest.param(b'<PMML version="4.3"/>', "Required element 'Header' is missing", id="nothing in it"),
    ],
)
def test_what_pmml4s_cannot_load_is_refused_in_its_words(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"PMML4S cannot load it: {reason}"):
        PmmlModel(content)


SINGLE_TREE = tree("5", "6", {"5": 9}, {"6": 8})
DEEP = 200  # Java reads 100 levels; PMML4S alone would loop over the one and serve half of the other
NODES = '<Node score="5"><True/>' * DEEP + "</Node>" * DEEP


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            LINEAR.replace(b"<Header/>", b"<Header/>" + b"<Extension>" * DEEP + b"</Extension>" * DEEP), id="loop"
        ),
        pytest.param(
            pmml(SINGLE_TREE.replace("</TreeModel>", NODES + "</TreeModel>"), ["alcohol"], target_of("5", "6")),
            id="half",
        ),
    ],
)
def test_a_document_nested_deeper_than_java_reads_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match='has a depth of "101" that exceeds the limit'):
        PmmlModel(content)


def test_inputs_that_no_record_has_are_named() -> None:
    content = pmml(regression({"alcohol": 1.0, "colour": 1.0, "hue": 1.0}), ["alcohol", "colour", "hue"])
    with pytest.raises(ValueError, match="needs colour, hue, which no record has; records have fixed_acidity, "):
        PmmlModel(content)


def test_a_model_without_a_target_is_refused_when_it_scores() -> None:
    clusters = """<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="2">
        <MiningSchema><MiningField name="alcohol"/></MiningSchema>
        <ComparisonMeasure kind="distance"><squaredEuclidean/></ComparisonMeasure>
        <ClusteringField field="alcohol" compareFunction="absDiff"/>
        <Cluster id="1"><Array n="1" type="real">9</Array></Cluster>
        <Cluster id="2"><Array n="1" type="real">12</Array></Cluster></ClusteringModel>"""
    for content in (pmml(clusters, ["alcohol"], target=""), pmml("", [])):
        model = PmmlModel(content)
        with pytest.raises(ValueError, match="predicts no target; its outputs: "):
            model.score(TYPICAL)


def test_a_closed_model_says_so() -> None:
    model = PmmlModel(LINEAR)
    model.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        model.score(TYPICAL)
