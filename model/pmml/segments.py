"""MiningModel: the trees of a forest, each with its weight; and a TreeModel that stands alone."""

from collections.abc import Set
from dataclasses import replace
from xml.etree.ElementTree import Element

from model.pmml.fields import Fields, mining_fields
from model.pmml.forest import scores_of, votes_of
from model.pmml.reading import MODEL, Calculation, NotCompilable, Parts, choice_of, number_of, only, opened
from model.pmml.trees import Tree, tree_of

TREE = frozenset({"missingValueStrategy", "noTrueChildStrategy", "splitCharacteristic"})

# No prediction is ever missing: a forest of which a tree may have no answer is not compiled.
MISSING_PREDICTION_TREATMENTS = frozenset({"continue", "skipSegment", "returnMissing"})


def single_tree(element: Element, parts: Parts, fields: Fields) -> Calculation:
    """What a TreeModel calculates; raises as ``model.pmml.compiler.compiled`` does."""
    return scores_of([tree_of(element, parts, fields)], [1.0], 1.0)


def forest(element: Element, parts: Parts, fields: Fields) -> Calculation:
    """What a MiningModel of trees calculates; raises as ``model.pmml.compiler.compiled`` does."""
    function = choice_of(element, "functionName", {"regression", "classification"})
    segmentation = only(parts, "Segmentation")
    segments = opened(segmentation, {"multipleModelMethod", "missingPredictionTreatment"}, {"Segment"})
    methods: Set[str] = {"average", "weightedAverage"} | ({"sum"} if function == "regression" else set())
    method = choice_of(segmentation, "multipleModelMethod", methods)
    choice_of(segmentation, "missingPredictionTreatment", MISSING_PREDICTION_TREATMENTS, "continue")
    trees, weights = [], []
    for _, segment in segments:
        models = opened(segment, {"id", "weight"}, {"True", "TreeModel"})
        opened(only(models, "True"), frozenset())
        trees.append(_segment_s_tree(only(models, "TreeModel"), function, fields))
        weights.append(number_of(segment, "weight", 1.0) if method == "weightedAverage" else 1.0)
    divisor = 1.0 if method == "sum" else sum(weights)
    if divisor == 0:
        raise ValueError("has no trees to take the average of, or their weights are 0 together")
    if any(leaf is None for tree in trees for leaf in tree.leaves.values()):
        raise NotCompilable("has a forest with a tree that may have no answer")
    return (scores_of if function == "regression" else votes_of)(trees, weights, divisor)


def _segment_s_tree(element: Element, function: str, fields: Fields) -> Tree:
    choice_of(element, "functionName", {function})
    choice_of(element, "isScorable", {"true"}, "true")
    parts = opened(element, MODEL | TREE, {"MiningSchema", "Node"})
    inputs, targets = mining_fields(only(parts, "MiningSchema"))
    if not fields.columns.keys() >= set(inputs) or not {fields.target} >= set(targets):
        raise NotCompilable("has a tree with fields that its forest does not have")
    own = {name: fields.columns[name] for name in inputs}
    return tree_of(element, parts, replace(fields, columns=own))
