"""TreeModel: read into tests of the form "at most", each with two ways on, for any shape of its nodes.

Where a field may be missing, or a predicate is more than a number and its boundary, the tests are about a number that
is calculated before: whether the predicate holds, or which child of a node a record goes to.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from model.formats.pmml.compiled.fields import Target, label_text
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.regression import embedded_regression
from model.formats.pmml.compiled.predicates import FALSE, ORDER, TRUE, compared, predicate
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import INVALID, MISSING, Batch, Column, Expression, Type
from model.formats.pmml.reading import NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, shown, text_of

NODE = frozenset({"id", "score", "recordCount", "defaultChild"})
PREDICATES = frozenset({"SimplePredicate", "True", "False", "CompoundPredicate", "SimpleSetPredicate"})
NODE_PARTS = frozenset({*PREDICATES, "ScoreDistribution", "Node", "Regression"})
BELOW = {
    "lessOrEqual": (True, True),
    "lessThan": (True, False),
    "greaterThan": (False, True),
    "greaterOrEqual": (False, False),
}
"""By operator: whether it asks for numbers below the value, and whether a number equal to the value is one of those."""

TREE = frozenset({"missingValueStrategy", "noTrueChildStrategy", "splitCharacteristic"})
MISSING_VALUE_STRATEGIES = frozenset({"none", "nullPrediction", "lastPrediction", "defaultChild"})

COUNTS = frozenset({"value", "recordCount", "confidence"})
SHARES = COUNTS | {"probability"}

MAX_TESTS_IN_A_ROW = 1000  # a whole batch waits for its slowest record


class Test(NamedTuple):
    """Whether a number is at most ``boundary``; or, not ``at_most``, whether it is above."""

    column: int
    boundary: float
    at_most: bool


class Leaf(NamedTuple):
    """What a record that ends here gets."""

    score: float | str | None  # the value, or the label; None: no score is named
    votes: dict[str, float]  # a classifier's label and count, in the leaf's order
    regression: Expression | None = None


@dataclass(slots=True)
class Tree:
    """A binary tree as lists, one entry per place; place 0 is the root, and a test's two ways on are neighbours."""

    columns: list[int] = field(default_factory=list)
    boundaries: list[float] = field(default_factory=list)  # infinity at a leaf: no number is above it
    ways: list[int] = field(default_factory=list)  # where "at most" leads, "above" being the place after; or itself
    leaves: dict[int, Leaf] = field(default_factory=dict)
    silent: dict[int, int] = field(default_factory=dict)  # places without an answer: MISSING or INVALID
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


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all nodes of a tree."""

    scope: Scope
    columns: Columns
    target: Target | None
    classifies: bool
    floats: bool
    strategy: str
    falls_back: bool
    careful: bool
    labels: dict[str, str] = field(default_factory=dict)  # by what stands in the document


class _Node(NamedTuple):
    element: Element
    parts: Parts
    condition: "Test | Expression"


def tree_of(
    element: Element, parts: Parts, scope: Scope, columns: Columns, target: Target | None, floats: bool, careful: bool
) -> Tree:
    """A TreeModel's tree; raises as ``compiler.compiled`` does.

    Args:
        columns: those that its tests look at; more are added.
        floats: whether its scores are floats.
        careful: whether it also answers for records without one of these numbers; that takes longer.
    """
    choice_of(element, "splitCharacteristic", {"binarySplit", "multiSplit"}, "multiSplit")
    strategies = {"returnLastPrediction", "returnNullPrediction"}
    setting = Setting(
        scope,
        columns,
        target,
        classifies=element.get("functionName") == "classification",
        floats=floats,
        strategy=choice_of(element, "missingValueStrategy", MISSING_VALUE_STRATEGIES, "none"),
        falls_back=choice_of(element, "noTrueChildStrategy", strategies, "returnNullPrediction")
        == "returnLastPrediction",
        careful=careful,
    )
    tree = Tree()
    root = _node(only(parts, "Node"), setting)
    place, depth = tree.add_place(), 0
    if root.condition is not TRUE:
        # A record for which the first node is not true, or unknown, gets no answer.
        place, depth = _guarded(tree, place, root.condition, setting)
    waiting = [(root, place, depth)]
    while waiting:  # not by recursion: a tree may be deep
        node, place, depth = waiting.pop()
        children = [_node(child, setting) for child in of_kind(node.parts, "Node")]
        if any(isinstance(child.condition, Expression) and not child.condition.sure for child in children):
            ends = _chosen(tree, place, node, children, setting)
            waiting += [(child, end, depth + len(children) + 2) for child, end in ends]
            tree.depth = max(tree.depth, depth + len(children) + 2)
        else:
            depth = _tested(tree, node, children, place, depth, setting, waiting)
        if depth > MAX_TESTS_IN_A_ROW:
            raise NotCompilable(f"has a tree with more than {MAX_TESTS_IN_A_ROW:,} tests in a row")
    return tree


def _node(element: Element, setting: Setting) -> _Node:
    parts = opened(element, NODE, NODE_PARTS)
    return _Node(element, parts, _condition(parts, setting))


def _tested(
    tree: Tree,
    node: _Node,
    children: Sequence[_Node],
    place: int,
    depth: int,
    setting: Setting,
    waiting: list[tuple[_Node, int, int]],
) -> int:
    """Children whose conditions are known for each record: one test after the other; how many come in a row."""
    before: Test | None = None
    for child in children:
        condition = child.condition
        if condition is TRUE or (before is not None and before == _opposite(condition)):
            waiting.append((child, place, depth))
            break
        if condition is not FALSE:
            test = condition if isinstance(condition, Test) else _holds(condition, setting)
            held, place = tree.add_test(place, test)
            depth += 1
            waiting.append((child, held, depth))
            before = test
    else:
        _end(tree, place, node, answers=setting.falls_back or not children, setting=setting)
    tree.depth = max(tree.depth, depth)
    return depth


def _chosen(
    tree: Tree, place: int, node: _Node, children: Sequence[_Node], setting: Setting
) -> list[tuple[_Node, int]]:
    """Children whose conditions may be unknown: a number says to which of them a record goes, or what else it gets."""
    choice = _choice(node, children, setting)
    column = setting.columns.place(choice)
    ends = []
    for i, child in enumerate(children):
        held, place = tree.add_test(place, Test(column, i + 0.5, at_most=True))
        ends.append((child, held))
    none_true, place = tree.add_test(place, Test(column, len(children) + 0.5, at_most=True))
    _end(tree, none_true, node, setting.falls_back, setting)
    unknown, invalid = tree.add_test(place, Test(column, len(children) + 1.5, at_most=True))
    _end(tree, unknown, node, setting.strategy == "lastPrediction", setting)
    tree.silent[invalid] = INVALID
    return ends


def _choice(node: _Node, children: Sequence[_Node], setting: Setting) -> Expression:
    conditions = [_as_expression(child.condition, setting) for child in children]
    none_true, unknown_here, invalid = len(children), len(children) + 1, len(children) + 2
    strategy = setting.strategy
    on_unknown = float(unknown_here)
    if strategy == "defaultChild":
        default = text_of(node.element, "defaultChild")
        places = [i for i, child in enumerate(children) if child.element.get("id") == default]
        if len(places) != 1:
            raise ValueError(f"has a Node whose defaultChild {shown(default)!r} is not one of its children")
        on_unknown = float(places[0])

    def evaluate(batch: Batch) -> Column:
        choice = np.full(len(batch), float(none_true))
        still = np.ones(len(batch), np.bool_)
        for i, condition in enumerate(conditions):
            held, state = condition.evaluate(batch)
            if state is None:
                taken = still & held
            else:
                taken = still & held & (state == 0)
                lost = still & (state == INVALID)
                choice[lost] = invalid
                still &= ~lost
                if strategy != "none":
                    unknown = still & (state == MISSING)
                    choice[unknown] = on_unknown
                    still &= ~unknown
            choice[taken] = i
            still &= ~taken
        return Column(choice)

    return Expression(Type.DOUBLE, evaluate, sure=True, depth=1 + max(condition.depth for condition in conditions))


def _guarded(tree: Tree, place: int, condition: "Test | Expression", setting: Setting) -> tuple[int, int]:
    expression = _as_expression(condition, setting)

    def evaluate(batch: Batch) -> Column:
        held, state = expression.evaluate(batch)
        values = np.broadcast_to(np.where(held, 0.0, 1.0), len(batch))
        if state is not None:
            values = np.where(state == MISSING, 1.0, np.where(state == INVALID, 2.0, values))
        return Column(values)

    column = setting.columns.place(Expression(Type.DOUBLE, evaluate, sure=True, depth=expression.depth + 1))
    held, place = tree.add_test(place, Test(column, 0.5, at_most=True))
    missing, invalid = tree.add_test(place, Test(column, 1.5, at_most=True))
    tree.silent[missing], tree.silent[invalid] = MISSING, INVALID
    tree.depth = 2
    return held, 2


def _as_expression(condition: "Test | Expression", setting: Setting) -> Expression:
    if isinstance(condition, Expression):
        return condition
    number = setting.columns.expressions[condition.column]
    boundary = condition.boundary
    at_most = condition.at_most

    def evaluate(batch: Batch) -> Column:
        values, state = number.evaluate(batch)
        below = values.astype(np.float64) <= boundary
        return Column(below if at_most else ~below, state)

    return Expression(Type.BOOLEAN, evaluate, number.sure, number.depth + 1)


def _holds(condition: Expression, setting: Setting) -> Test:
    return Test(setting.columns.place(condition), 0.5, at_most=False)


def _condition(parts: Parts, setting: Setting) -> "Test | Expression":
    """A node's condition."""
    found = [part for part in parts if part[0] in PREDICATES]
    if len(found) != 1:
        raise NotCompilable(f"has a Node with {len(found)} predicates")
    kind, element = found[0]
    if kind == "SimplePredicate":
        number, operator, value = compared(element, setting.scope)
        if operator in ORDER and (number.sure or not setting.careful):
            below, equal = BELOW[operator]
            # "less than" is "at most the number before"
            boundary = float(value) if equal else math.nextafter(float(value), -math.inf)
            return Test(setting.columns.place(number), boundary, below)
        key = (id(number), operator, str(value))
        known = setting.scope.document.predicates
        if key not in known:
            known[key] = predicate(element, kind, setting.scope)
        return known[key]
    return predicate(element, kind, setting.scope)


def _opposite(condition: "Test | Expression") -> Test | None:
    return condition._replace(at_most=not condition.at_most) if isinstance(condition, Test) else None


def _end(tree: Tree, place: int, node: _Node, answers: bool, setting: Setting) -> None:
    """Make a place the end of what comes to it."""
    if not answers:
        tree.silent[place] = MISSING
        return
    leaf = _leaf(node.element, node.parts, setting)
    if leaf is not None:
        tree.leaves[place] = leaf
    elif of_kind(node.parts, "Node"):
        tree.silent[place] = MISSING
    else:
        raise NotCompilable("has a Node without a score where one is needed")


def _leaf(node: Element, parts: Parts, setting: Setting) -> Leaf | None:
    distributions, regressions = of_kind(parts, "ScoreDistribution"), of_kind(parts, "Regression")
    votes = _votes(distributions, setting) if distributions else {}
    if regressions:
        if setting.classifies or len(regressions) > 1 or votes or "score" in node.attrib:
            raise NotCompilable("has a Node with a Regression and something else")
        return Leaf(None, {}, embedded_regression(regressions[0], setting.scope, setting.floats))
    if "score" in node.attrib:
        if setting.classifies:
            return Leaf(_label(node, "score", setting), votes)
        score = number_of(node, "score")
        return Leaf(float(np.float32(score)) if setting.floats else score, votes)
    return Leaf(None, votes) if votes else None


def _label(element: Element, attribute: str, setting: Setting) -> str:
    text = text_of(element, attribute)
    target = setting.target
    if text not in setting.labels:
        label = label_text(text, Type.STRING if target is None else target.type)
        if target is not None and target.labels and label not in target.labels:
            raise ValueError(f"gives label {shown(label)}, which is none of its target's values")
        setting.labels[text] = label
    return setting.labels[text]


def _votes(distributions: Sequence[Element], setting: Setting) -> dict[str, float]:
    votes: dict[str, float] = {}
    by_probability = all("probability" in each.attrib for each in distributions)
    known, counted = (SHARES, "probability") if by_probability else (COUNTS, "recordCount")
    for each in distributions:
        opened(each, known)
        label = _label(each, "value", setting)
        if not setting.classifies or label in votes:
            raise NotCompilable("has a Node with a ScoreDistribution that says nothing, or something twice")
        votes[label] = number_of(each, counted)
    if votes and (min(votes.values()) < 0 or sum(votes.values()) <= 0):
        raise ValueError("has a Node whose ScoreDistribution counts less than nothing, or nothing")
    return votes
