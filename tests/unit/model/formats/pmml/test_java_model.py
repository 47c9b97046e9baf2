"""Models on Java: what they may look like, and what is refused."""

import numpy as np
import pytest

from model.features import WINE
from model.formats.pmml.document import checked
from model.formats.pmml.java_model import JavaModel
from model.inputs import TYPICAL
from tests.support.pmml_text import Node, forest, pmml, regression, target_of, tree, tree_model

ALCOHOL = WINE.index("alcohol")


def on_java(content: bytes) -> JavaModel:
    """This document's model, scored by PMML4S."""
    return JavaModel(checked(content), "for this test")


def test_a_regression_gets_its_inputs_by_name_and_loses_no_digit() -> None:
    model = on_java(pmml(regression({"alcohol": 0.5, "pH": -0.25}), ["pH", "alcohol"]))
    wines = TYPICAL.copy()
    wines[0, ALCOHOL] = 9.533333333333333
    expected = 1 + 0.5 * wines[:, ALCOHOL] - 0.25 * wines[:, WINE.index("pH")]
    assert model.score(wines) == pytest.approx(expected, rel=1e-15)


def test_names_with_spaces_as_in_the_real_table_are_understood() -> None:
    model = on_java(pmml(regression({"fixed acidity": 2.0}), ["fixed acidity"]))
    assert model.score(TYPICAL) == pytest.approx(1 + 2 * TYPICAL[:, 0], rel=1e-15)


@pytest.mark.parametrize("data_type", ["integer", "double", "string"])
def test_a_classifier_gives_its_label_as_a_number(data_type: str) -> None:
    content = pmml(
        tree("5", "6", {"5": 9, "6": 1}, {"5": 2, "6": 8}), ["alcohol"], target_of("5", "6", data_type=data_type)
    )
    assert on_java(content).score(TYPICAL).tolist() == [5.0, 6.0, 6.0]  # alcohol 9.5, 10.2, 11.1


def test_a_classifier_whose_labels_are_words_is_refused() -> None:
    target = target_of("good", "5", data_type="string")
    with pytest.raises(ValueError, match="gives labels such as 'good'; only labels that are numbers are served"):
        on_java(pmml(tree("5", "good", {"5": 9, "good": 1}, {"5": 2, "good": 8}), ["alcohol"], target))


def test_a_record_outside_what_the_model_allows_gets_nan_and_its_neighbours_their_scores() -> None:
    alcohol = '<DataField name="alcohol" optype="continuous" dataType="double"><Interval closure="closedClosed" \
        leftMargin="8" rightMargin="15"/></DataField>'
    model = on_java(pmml(regression({"alcohol": 1.0}), [alcohol]))
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
    assert on_java(content).score(TYPICAL).tolist() == [6.0, 5.0, 5.0]


def test_a_single_tree_need_not_list_all_classes() -> None:
    content = pmml(tree("5", "6", {"5": 9}, {"6": 8}), ["alcohol"], target_of("5", "6"))
    assert on_java(content).score(TYPICAL).tolist() == [5.0, 6.0, 6.0]


@pytest.mark.parametrize("data_type", ["integer", "double", "string"])
def test_a_wine_for_which_there_is_no_label_gets_nan(data_type: str) -> None:
    root = Node(children=(Node("5", name="alcohol", value="10"),))
    content = pmml(tree_model(root, ["alcohol"]), ["alcohol"], target_of("5", "6", data_type=data_type))
    scores = on_java(content).score(TYPICAL).tolist()  # alcohol 9.5, 10.2, 11.1
    assert scores == pytest.approx([5.0, np.nan, np.nan], nan_ok=True)


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
        on_java(content)


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
        on_java(content)


def test_inputs_that_no_record_has_are_named() -> None:
    content = pmml(regression({"alcohol": 1.0, "colour": 1.0, "hue": 1.0}), ["alcohol", "colour", "hue"])
    with pytest.raises(ValueError, match="needs colour, hue, which no record has; records have fixed_acidity, "):
        on_java(content)


def test_a_model_without_a_target_is_refused_when_it_scores() -> None:
    clusters = """<ClusteringModel functionName="clustering" modelClass="centerBased" numberOfClusters="2">
        <MiningSchema><MiningField name="alcohol"/></MiningSchema>
        <ComparisonMeasure kind="distance"><squaredEuclidean/></ComparisonMeasure>
        <ClusteringField field="alcohol" compareFunction="absDiff"/>
        <Cluster id="1"><Array n="1" type="real">9</Array></Cluster>
        <Cluster id="2"><Array n="1" type="real">12</Array></Cluster></ClusteringModel>"""
    for content in (pmml(clusters, ["alcohol"], target=""), pmml("", [])):
        model = on_java(content)
        with pytest.raises(ValueError, match="predicts no target; its outputs: "):
            model.score(TYPICAL)


def test_a_closed_model_says_so() -> None:
    model = on_java(LINEAR)
    model.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        model.score(TYPICAL)
