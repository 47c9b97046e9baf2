"""Forests of classification trees, averaged: every expected label is worked out by hand.

Those with leaves that leave labels out are what PMML4S scores wrongly.
"""

import numpy as np
import pytest

from model.features import WINE
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.inputs import TYPICAL
from tests.support.pmml_text import Node, forest, pmml, split_at_10, target_of, tree, tree_model

Votes = dict[str, float]


def elected(*leaves: Votes, labels: tuple[str, ...] = ("5", "6", "7"), method: str = "average") -> float:
    """What trees of one leaf each decide; in a weighted average the n-th tree counts n times."""
    trees = [tree_model(Node("5", votes), ["alcohol"]) for votes in leaves]
    text = forest(*trees, method=method, weights=[i + 1 for i in range(len(trees))])
    (label,) = compiled(checked(pmml(text, ["alcohol"], target_of(*labels))).root).score(TYPICAL[:1])
    return float(label)


def test_a_label_that_a_leaf_leaves_out_has_no_votes_there() -> None:
    # 5: (0.6 + 0 + 0) / 3; 6: (0.4 + 0 + 0.45) / 3; 7: (0 + 1 + 0.55) / 3
    assert elected({"5": 6, "6": 4}, {"7": 3}, {"6": 45, "7": 55}) == 7.0


def test_votes_are_counted_by_label_not_by_position() -> None:
    # 5: 0.9 + 0.2 + 0.2; 6: 0.1 + 0.8 + 0.8
    assert elected({"5": 9, "6": 1}, {"6": 8, "5": 2}, {"6": 8, "5": 2}) == 6.0


def test_each_tree_has_one_vote_however_many_records_it_has_seen() -> None:
    assert elected({"5": 9, "6": 1}, {"5": 400, "6": 600}) == 5.0  # 0.9 + 0.4 against 0.1 + 0.6


def test_in_a_weighted_average_a_tree_has_its_weight() -> None:
    assert elected({"5": 9, "6": 1}, {"5": 3, "6": 7}, method="weightedAverage") == 5.0  # 0.9 + 0.6 against 0.1 + 1.4
    assert elected({"5": 7, "6": 3}, {"5": 3, "6": 7}, method="weightedAverage") == 6.0


@pytest.mark.parametrize("labels", [("5", "6", "7"), ("7", "6", "5"), ()])
def test_of_equals_the_label_wins_that_the_first_tree_s_leaf_names_first(labels: tuple[str, ...]) -> None:
    # JPMML adds the trees' votes in a map that keeps the order in which labels come up, and takes the first largest.
    assert elected({"5": 1, "6": 1}, {"6": 1, "5": 1}, labels=labels) == 5.0
    assert elected({"6": 1, "5": 1}, {"5": 1, "6": 1}, labels=labels) == 6.0
    assert elected({"7": 1}, {"5": 1}, labels=labels) == 7.0
    assert elected({"6": 2}, {"5": 1, "7": 3}, {"7": 1, "5": 3}, labels=labels) == 6.0  # all have 1
    assert elected({"6": 4, "5": 0}, {"7": 2, "5": 2}, {"7": 2, "5": 2}, labels=labels) == 6.0
    assert elected({"6": 1, "5": 0}, {"7": 4}, {"5": 4}, {"7": 4}, {"5": 4}, labels=labels) == 5.0  # 5 and 7 have 2


def test_a_batch_is_voted_on_record_by_record() -> None:
    first = tree("5", "5", {"5": 6, "6": 4}, {"5": 1})
    second = tree("7", "6", {"6": 4, "5": 1, "7": 5}, {"6": 1})
    below_9 = Node("6", {"6": 9, "7": 1}, name="alcohol", operator="lessThan", value="9")
    third = tree_model(Node("7", children=(below_9, Node("7", {"7": 1}))), ["alcohol"])
    content = pmml(forest(first, second, third), ["alcohol"], target_of("5", "6", "7"))
    wines = np.tile(TYPICAL[1], (3000, 1))
    wines[:, WINE.index("alcohol")] = np.tile([8.0, 9.5, 11.0], 1000)
    # 5, 6, 7 have at 8: 0.7, 1.7, 0.6; at 9.5: 0.7, 0.8, 1.5; at 11: 1 each, and the first tree says 5
    assert compiled(checked(content).root).score(wines).tolist() == [6.0, 7.0, 5.0] * 1000


def test_leaves_need_no_score_of_their_own() -> None:
    leaves = split_at_10(Node(votes={"5": 1, "6": 9}), Node(votes={"6": 2, "5": 8}))
    content = pmml(forest(tree_model(leaves, ["alcohol"])), ["alcohol"], target_of("5", "6"))
    assert compiled(checked(content).root).score(TYPICAL).tolist() == [6.0, 5.0, 5.0]  # alcohol 9.5, 10.2, 11.1
