"""TreeModel: read into tests of the form "at most", each with two ways on, whatever its nodes look like."""

import math
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from model.pmml.fields import Fields
from model.pmml.reading import NotCompilable, Parts, choice_of, number_of, of_kind, only, opened

NODE = frozenset({"id", "score", "recordCount", "defaultChild"})
NODE_PARTS = frozenset({"SimplePredicate", "True", "False", "ScoreDistribution", "Node"})
PREDICATES = ("SimplePredicate", "True", "False")
OPERATORS = {
    "lessOrEqual": (True, True),
    "lessThan": (True, False),
    "greaterThan": (False, True),
    "greaterOrEqual": (False, False),
}
"""By operator: whether it asks for numbers below the value, and whether a number equal to the value is one of those."""

MISSING_VALUE_STRATEGIES = frozenset({"none", "nullPrediction", "lastPrediction", "defaultChild"})
"""None of them matters: a record has all its features."""

MAX_TESTS_IN_A_ROW = 1000  # a whole batch waits for its slowest record


@dataclass(frozen=True, slots=True)
class Test:
    """Whether a number is at most ``boundary``; or, not ``at_most``, whether it is above."""

    column: int
    boundary: float
    at_most: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a record that ends here gets."""

    score: float | None  # the value, or the label; None: no score is named
    votes: dict[float, float]  # a classifier's label and count, in the leaf's order


@dataclass(slots=True)
class Tree:
    """A binary tree as lists, one entry per place; place 0 is the root, and a test's two ways on are neighbours."""

    columns: list[int] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)  # infinity at a leaf: no number is above it
    ways: list[int] = field(default_factory=list)  # where "at most" leads, "above" being the place after; or itself
    leaves: dict[int, Leaf | None] = field(default_factory=dict)  # by place; None: no answer
    depth: int = 0  # the most tests that a record passes

    def add_place(self) -> int:
        """A new place: a leaf, until it is made a test."""
        self.columns.append(0)
        self.boundaries.append(math.inf)
        self.ways.append(len(self.ways))
        return len(self.ways) - 1

    def add_test(self, place: int, test: Test) -> tuple[int, int]:
        """Make a place a test; where a record goes on for which it holds, and for which it does not."""
        self.columns[place], self.boundaries[place] = test.column, test.boundary
        self.ways[place], above = self.add_place(), self.add_place()
        return (self.ways[place], above) if test.at_most else (above, self.ways[place])


def tree_of(element: Element, parts: Parts, fields: Fields) -> Tree:
    """A TreeModel's tree; raises as ``model.pmml.compiler.compiled`` does."""
    choice_of(element, "missingValueStrategy", MISSING_VALUE_STRATEGIES, "none")
    strategies = {"returnLastPrediction", "returnNullPrediction"}
    falls_back = choice_of(element, "noTrueChildStrategy", strategies, "returnNullPrediction") == "returnLastPrediction"
    classifies = element.get("functionName") == "classification"
    root = only(parts, "Node")
    root_parts = opened(root, NODE, NODE_PARTS)
    if _predicate(root_parts, fields) is not True:
        raise NotCompilable("its first Node is not for all records")
    tree = Tree()
    waiting = [(root, root_parts, tree.add_place(), 0)]
    while waiting:  # not by recursion: a tree may be deep
        node, parts, place, depth = waiting.pop()
        children = of_kind(parts, "Node")
        before: Test | bool = False
        for child in children:
            child_parts = opened(child, NODE, NODE_PARTS)
            test = _predicate(child_parts, fields)
            if test is True or (isinstance(test, Test) and before == _opposite(test)):
                waiting.append((child, child_parts, place, depth))
                break
            if test is not False:
                held, place = tree.add_test(place, test)
                depth += 1
                waiting.append((child, child_parts, held, depth))
                before = test
        else:
            answers = falls_back or not children
            tree.leaves[place] = (
                _leaf(node, of_kind(parts, "ScoreDistribution"), fields, classifies) if answers else None
            )
        tree.depth = max(tree.depth, depth)
        if depth > MAX_TESTS_IN_A_ROW:
            raise NotCompilable(f"has a tree with more than {MAX_TESTS_IN_A_ROW:,} tests in a row")
    return tree


def _predicate(parts: Parts, fields: Fields) -> Test | bool:
    """A node's condition; True or False where it is the same for all records."""
    predicates = [(kind, element) for kind, element in parts if kind in PREDICATES]
    if len(predicates) != 1:
        raise NotCompilable(f"has a Node with {len(predicates)} predicates")
    kind, element = predicates[0]
    if kind != "SimplePredicate":
        opened(element, frozenset())
        return kind == "True"
    opened(element, {"field", "operator", "value"})
    below, equal = OPERATORS[choice_of(element, "operator", OPERATORS.keys())]
    column = fields.column(element, "field")
    boundary = fields.boundary(column, number_of(element, "value"))
    # "less than" is "at most the number before"
    return Test(column, boundary if equal else math.nextafter(boundary, -math.inf), below)


def _opposite(test: Test) -> Test:
    return Test(test.column, test.boundary, not test.at_most)


def _leaf(node: Element, distributions: list[Element], fields: Fields, classifies: bool) -> Leaf:
    votes: dict[float, float] = {}
    for each in distributions:
        opened(each, {"value", "recordCount"})
        label = fields.label(each, "value")
        if not classifies or label in votes:
            raise NotCompilable("has a Node with a ScoreDistribution that says nothing, or something twice")
        votes[label] = number_of(each, "recordCount")
    if votes and (min(votes.values()) < 0 or sum(votes.values()) <= 0):
        raise ValueError("has a Node whose ScoreDistribution counts less than nothing, or nothing")
    if "score" in node.attrib:
        return Leaf(fields.label(node, "score") if classifies else number_of(node, "score"), votes)
    if not votes:
        raise NotCompilable("has a Node without a score where one is needed")
    return Leaf(None, votes)
