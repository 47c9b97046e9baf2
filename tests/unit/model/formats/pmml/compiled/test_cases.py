"""Documents as people export and write them, with the values of JPMML's evaluator and of the training libraries.

``tests/pmml_cases``: ``small`` has one feature of PMML each, with what JPMML 1.7.7 gives 60 wines (None: no score); the
values of ``exports`` are scikit-learn's, XGBoost's and LightGBM's own ``predict``, those of four documents JPMML's.
"""

import json
from typing import Any

import numpy as np
import pytest

from model.features import Features, Values
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import Document, checked
from model.formats.pmml.load import pmml_model
from model.formats.pmml.reading import NotCompilable
from model.formats.pmml.verification import verification
from tests.support.process import ROOT

CASES = ROOT / "tests" / "pmml_cases"
EXPECTED: dict[str, Any] = json.loads((CASES / "expected.json").read_text("utf-8"))
WINES: Features = np.array(EXPECTED["wines"])

NOT_COMPILED = {
    "e_median_f": "calls the function 'median'",
    "cls_extra_label": "RegressionTables that are not one for each of its target's labels",
    "mm_x-weightedSum": "multipleModelMethod='x-weightedSum'",
    "mmc_average_rev": "a leaf without a ScoreDistribution",
    "mmc_max": "multipleModelMethod='max'",
    "no_target_field": "has no targets",
    "rules_weightedMax": "contains RuleSetModel",
    "ruleset_first": "contains RuleSetModel",
    "ruleset_weightedSum": "contains RuleSetModel",
    "scorecard": "contains Scorecard",
    "svm_cls_2": "contains SupportVectorMachineModel",
    "svm_reg_linear": "contains SupportVectorMachineModel",
    "vote_hard": "its Segment contains NaiveBayesModel",
}
REFUSED = {
    "capital": "needs Alcohol, which no record has",
    "dots": "needs fixed.acidity, which no record has",
    "not_scorable": "its RegressionModel has isScorable='false'",
    "tree_cls_words": "gives labels such as 'bad'",
}
UNVERIFIED = ("modelverif", "verification-fails")
"""Compiled, and refused by the trial."""


def document(folder: str, name: str) -> Document:
    """The case."""
    return checked((CASES / folder / f"{name}.pmml").read_bytes())


def names(folder: str) -> list[str]:
    """The cases that are compiled."""
    others = {*NOT_COMPILED, *REFUSED, *UNVERIFIED}
    return sorted(path.stem for path in (CASES / folder).glob("*.pmml") if path.stem not in others)


def assert_equal(scores: Values, expected: list[float | str | None], in_float: bool) -> None:
    """Each within 1e-9, and 2e-6 of a document that calculates in float; no score is NaN."""
    values = np.array([np.nan if each is None else float(each) for each in expected])
    margin = 2e-6 if in_float else 1e-9
    assert np.array_equal(np.isnan(scores), np.isnan(values))
    assert np.array_equal(np.isinf(scores), np.isinf(values))
    finite = np.isfinite(values)
    assert scores[finite] == pytest.approx(values[finite], rel=margin, abs=margin)


@pytest.mark.parametrize("name", names("small"))
def test_a_small_document_scores_as_by_jpmml(name: str) -> None:
    case = document("small", name)
    assert_equal(compiled(case.root).score(WINES), EXPECTED["small"][name], 'x-mathContext="float"' in case.text)


@pytest.mark.parametrize("name", names("exports"))
def test_an_export_scores_as_by_the_library_that_trained_it(name: str) -> None:
    case = document("exports", name)
    # scikit-learn calculates in double what the exporter declares as float, the type of its trees' inputs.
    in_float = 'dataType="float"' in case.text
    assert_equal(compiled(case.root).score(WINES), EXPECTED["exports"][name], in_float)


@pytest.mark.parametrize("name", ["gb_multi", "lin_pca", "xgbrf", "stack_cls"])
def test_a_wine_s_score_does_not_depend_on_its_company(name: str) -> None:
    model = compiled(document("exports", name).root)
    together = model.score(WINES)
    assert model.score(WINES[::-1])[::-1].tolist() == together.tolist()
    alone = np.concatenate([model.score(WINES[i : i + 1]) for i in range(len(WINES))])
    assert alone == pytest.approx(together, rel=1e-12)


@pytest.mark.parametrize(("name", "reason"), NOT_COMPILED.items())
def test_what_is_not_known_is_named(name: str, reason: str) -> None:
    folder = "small" if (CASES / "small" / f"{name}.pmml").exists() else "exports"
    with pytest.raises(NotCompilable) as caught:
        compiled(document(folder, name).root)
    assert reason in str(caught.value)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_can_be_served_by_nobody_is_refused_without_java(name: str, reason: str) -> None:
    folder = "small" if (CASES / "small" / f"{name}.pmml").exists() else "exports"
    with pytest.raises(ValueError) as caught:
        pmml_model((CASES / folder / f"{name}.pmml").read_bytes())
    assert reason in str(caught.value)


def test_rows_that_do_not_hold_are_found() -> None:
    for folder, name in zip(("small", "exports"), UNVERIFIED, strict=True):
        case = document(folder, name)
        rows = verification(case)
        assert rows is not None
        assert rows.fault(compiled(case.root).score(rows.features)) is not None
