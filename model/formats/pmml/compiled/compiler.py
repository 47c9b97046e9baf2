"""PMML compiled to numpy: a model becomes arrays, and a batch is scored by a few operations on the whole of it.

Known are regressions, general regressions, trees, dense networks, and models of models, over fields that are
transformed in any way that ``expressions.py`` and ``functions.py`` have in their tables. Everything else in a document
is ``NotCompilable``, down to attributes that nobody has thought of: no score is ever made of half-understood rules.

A field of type float is rounded to float32 before anything is calculated with it, and so is what it is compared with:
that is what its type says, what JPMML's evaluator does, and what scikit-learn did when it trained the tree. PMML4S
calculates in double; the two differ where a number and a boundary are less than such a rounding apart.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from xml.etree.ElementTree import Element

import numpy as np

from model.errors import ModelClosed
from model.features import Features, Values
from model.formats.pmml.compiled.expressions import derived
from model.formats.pmml.compiled.fields import Target, input_fields, mining_fields, retreated, target_of
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.answers import Answer, Classifier, Model, as_target, outputs_of, with_care
from model.formats.pmml.compiled.models.forest import single_tree
from model.formats.pmml.compiled.models.network import FUNCTIONS, OF_OTHER_ACTIVATIONS, network
from model.formats.pmml.compiled.models.regression import general_regression, regression
from model.formats.pmml.compiled.models.segments import (
    METHODS,
    SUMS,
    Ensemble,
    Segment,
    chosen,
    forest_of,
    labels_of,
    together,
)
from model.formats.pmml.compiled.models.segments import TREATMENTS as OF_MISSING
from model.formats.pmml.compiled.models.trees import TREE, tree_of
from model.formats.pmml.compiled.predicates import PREDICATES, TRUE, predicate_in
from model.formats.pmml.compiled.scope import Document, Exporter, Scope
from model.formats.pmml.compiled.values import INVALID, Batch, Column, Expression, Type
from model.formats.pmml.reading import (
    MODEL,
    NUMBER,
    NotCompilable,
    Parts,
    choice_of,
    number_of,
    of_kind,
    only,
    opened,
    shown,
    text_of,
)

VERSIONS = frozenset({"3.0", "3.1", "3.2", "4.0", "4.1", "4.2", "4.3", "4.4"})
NOT_FOR_SCORING = ("Header", "MiningBuildTask")
"""How the document came about. Source: PMML 4.4, "General Structure"."""

NOT_FOR_THE_SCORE = ("ModelStats", "ModelExplanation", "ModelVerification")
"""What is told about a model; the rows of the last are checked by ``model.trial``."""

EXPORTERS = {
    "SkLearn2PMML": Exporter(true_division=True, ties_to_first_label=True),
    "JPMML-SkLearn": Exporter(true_division=True, ties_to_first_label=True),
    "Apache Spark": Exporter(true_division=True, threshold_as_intercept=True),
    "JPMML-SparkML": Exporter(true_division=True, threshold_as_intercept=True),
    "JPMML-R": Exporter(true_division=True),
    "R2PMML": Exporter(true_division=True),
}
"""By the beginning of an Application's name. See "Where programs disagree" in ``docs/models.md``."""

MAX_AT_ONCE = 8_192  # records: what is calculated of them is kept until they are scored
MAX_KEPT = 8_192_000  # numbers; a document with many calculations gets fewer records at once


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model, and what may stand in its element besides what may stand in each model's."""

    functions: Set[str]
    attributes: Set[str]
    children: Set[str]
    calculation: Callable[[Element, Parts, Scope, Target | None, bool], Answer] | None
    """None: it is made of other models."""


class CompiledModel:
    """A PMML model as arrays; see ``model.model.Model``."""

    scored_by = "compiled to numpy"

    def __init__(self, score: Expression, calculations: int) -> None:
        """A model that gives what the expression does, which takes so many calculations."""
        self._score: Expression | None = score
        self._at_once = max(1, min(MAX_AT_ONCE, MAX_KEPT // max(1, calculations)))

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``; a record for which the model gives no value gets NaN.

        Raises:
            ModelClosed: the model has been closed.
        """
        if self._score is None:
            raise ModelClosed
        starts = range(0, len(features), self._at_once)
        with np.errstate(all="ignore"):  # what is no number is seen by its value
            parts = [self._scored(self._score, Batch(features[start : start + self._at_once])) for start in starts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @staticmethod
    def _scored(score: Expression, batch: Batch) -> Values:
        column = score.evaluate(batch)
        values = np.empty(len(batch))
        values[:] = column.values  # which may be one for all
        if column.state is not None:
            np.copyto(values, np.nan, where=column.state > 0)
        return values

    def close(self) -> None:
        """See ``model.model.Model.close``."""
        self._score = None


def compiled(root: Element) -> CompiledModel:
    """The model of a document: the first one that is scorable.

    Raises:
        NotCompilable: there is something in the document whose meaning is not known here exactly.
        ValueError: what is known is not sound: a number that is none, an attribute that is missing, an input that no
            record has, a label that is no number; or it asks for more than ``scope`` allows.
    """
    choice_of(root, "version", VERSIONS)
    parts = [(kind, element) for kind, element in opened_root(root) if kind not in NOT_FOR_SCORING]
    document, fields = _document(root, parts)
    kind, element = _first_scorable(parts)
    top = Scope(document)
    for name, transformation in _transformations(parts, "TransformationDictionary").items():
        top.names[name] = partial(derived, transformation, top)
    reader = _Reader(document, fields, dict(top.names))
    score = _score(reader.top(kind, element, top), fields)
    return CompiledModel(score, document.budget.calculations)


def opened_root(root: Element) -> Parts:
    """The children of a document; those that are no model, and nothing known else, are refused by name."""
    namespace = root.tag.removesuffix("PMML")
    children = {
        child.tag.removeprefix(namespace) for child in root if child.find(f"{namespace}MiningSchema") is not None
    }
    return opened(
        root, root.attrib.keys(), {*NOT_FOR_SCORING, "DataDictionary", "TransformationDictionary", *KINDS, *children}
    )


def _document(root: Element, parts: Parts) -> tuple[Document, Mapping[str, Element]]:
    dictionary = only(parts, "DataDictionary")
    fields: dict[str, Element] = {}
    for _, field in opened(dictionary, {"numberOfFields"}, {"DataField"}):
        name = text_of(field, "name")
        if name in fields:
            raise NotCompilable(f"has two DataFields {shown(name)!r}")
        fields[name] = field
    functions: dict[str, Element] = {}
    for transformations in of_kind(parts, "TransformationDictionary"):
        for each in of_kind(opened(transformations, frozenset(), {"DefineFunction", "DerivedField"}), "DefineFunction"):
            functions[text_of(each, "name")] = each
    return Document(_exporter(root), functions), fields


def _exporter(root: Element) -> Exporter:
    name = next((each.get("name", "") for each in root.iter() if each.tag.endswith("Application")), "")
    return next((exporter for start, exporter in EXPORTERS.items() if name.startswith(start)), Exporter())


def _first_scorable(parts: Parts) -> tuple[str, Element]:
    models = [part for part in parts if part[0] not in ("DataDictionary", "TransformationDictionary")]
    scorable = [(kind, element) for kind, element in models if element.get("isScorable", "true") == "true"]
    if models and not scorable:
        raise ValueError(
            f"is not for scoring: its {shown(models[0][0])} has isScorable='false'; export a model that is"
        )
    if not scorable:
        raise NotCompilable("has no models")
    kind, element = scorable[0]
    if kind not in KINDS:
        raise NotCompilable(f"its PMML contains {shown(kind)}")
    return kind, element


def _transformations(parts: Parts, kind: str) -> dict[str, Element]:
    """The derived fields by name."""
    found: dict[str, Element] = {}
    for transformations in of_kind(parts, kind):
        children = {"DerivedField", "DefineFunction"} if kind == "TransformationDictionary" else {"DerivedField"}
        for each in of_kind(opened(transformations, frozenset(), children), "DerivedField"):
            name = text_of(each, "name")
            if name in found:
                raise NotCompilable(f"has two DerivedFields {shown(name)!r}")
            found[name] = each
    return found


def _score(model: Model, fields: Mapping[str, Element]) -> Expression:
    """The score of the model of a document: its target's value, a label as a number."""
    if model.target is None:
        raise NotCompilable("has no targets")
    if model.target in model.outputs:  # JPMML gives what this puts out, the standard says nothing
        raise NotCompilable(f"has an OutputField {shown(model.target)!r} that is named like its target")
    answer = model.answer
    if isinstance(answer, Expression):
        return answer
    labels = tuple(dict.fromkeys([*target_of(fields[model.target]).labels, *answer.labels]))
    numbers = [_label_number(label) for label in labels]
    if len(set(numbers)) != len(numbers):
        raise NotCompilable("has labels that are equal as numbers")
    return Classifier(tuple(map(repr, map(_label_number, answer.labels))), answer.election, probabilities=False).values(
        Type.DOUBLE
    )


def _label_number(label: str) -> float:
    if not NUMBER.fullmatch(label) or not np.isfinite(float(label)):
        raise ValueError(f"gives labels such as {shown(label)!r}; only labels that are numbers are served")
    return float(label)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a document's models, those within models as well."""

    document: Document
    fields: Mapping[str, Element]
    shared: Mapping[str, "Expression | Callable[[], Expression]"]
    """The derived fields of the TransformationDictionary: each model has them."""

    def top(self, kind: str, element: Element, scope: Scope) -> Model:
        """The model of the document."""
        schema = only(self._parts(kind, element), "MiningSchema")
        inputs, _ = mining_fields(schema)
        given = input_fields(self.fields, inputs)
        if taken := given.keys() & scope.names.keys():
            raise NotCompilable(f"has a DerivedField {shown(min(taken))!r} that is a DataField, too")
        scope.names.update(given)
        return self._model(kind, element, scope, None)

    def segment(self, kind: str, element: Element, around: Scope, outer: Target | None) -> Model:
        """A model within a model, with what its mining schema takes over from there."""
        schema = only(self._parts(kind, element), "MiningSchema")
        scope = Scope(self.document, dict(self.shared))
        inputs, _ = mining_fields(schema)
        if taken := inputs.keys() & self.shared.keys():
            raise NotCompilable(f"has a Segment whose MiningField {shown(min(taken))!r} is in no model around it")
        for name, field in inputs.items():
            scope.names[name] = partial(retreated, name, field, around)
        with self.document.budget.deeper():
            return self._model(kind, element, scope, outer)

    @staticmethod
    def _parts(kind: str, element: Element) -> Parts:
        known = KINDS[kind]
        children = {"MiningSchema", "Output", "Targets", "LocalTransformations", *NOT_FOR_THE_SCORE} | known.children
        return opened(element, MODEL | known.attributes, children)

    def _model(self, kind: str, element: Element, scope: Scope, outer: Target | None) -> Model:
        parts = self._parts(kind, element)
        function = choice_of(element, "functionName", KINDS[kind].functions)
        choice_of(element, "isScorable", {"true"}, "true")
        floats = choice_of(element, "x-mathContext", {"float", "double"}, "double") == "float"
        _, targets = mining_fields(only(parts, "MiningSchema"))
        if len(targets) > 1:
            raise NotCompilable(f"has {len(targets)} targets")
        if targets and targets[0] not in self.fields:
            raise ValueError(f"has no DataField for its MiningField {shown(targets[0])!r}")
        target = target_of(self.fields[targets[0]]) if targets else None
        for name, transformation in _transformations(parts, "LocalTransformations").items():
            if name in scope.names:
                raise NotCompilable(f"has two fields {shown(name)!r}")
            scope.names[name] = partial(derived, transformation, scope)
        calculation = KINDS[kind].calculation
        if calculation is None:
            answer = self._mining(element, parts, scope, target or outer, floats, targets[0] if targets else None)
        else:
            answer = calculation(element, parts, scope, target or outer, floats)
        if isinstance(answer, Classifier) != (function == "classification"):
            raise NotCompilable(f"its {kind} has functionName={function!r} and gives something else")
        if isinstance(answer, Classifier):
            self.document.budget.spend(len(answer.labels))
        model = Model(as_target(answer, parts, target), targets[0] if targets else None)
        return Model(model.answer, model.target, outputs_of(parts, model, scope, target or outer))

    def _mining(
        self, element: Element, parts: Parts, scope: Scope, target: Target | None, floats: bool, of_target: str | None
    ) -> Answer:
        segmentation = only(parts, "Segmentation")
        opened(segmentation, {"multipleModelMethod", "missingPredictionTreatment"}, {"Segment"})
        method = choice_of(segmentation, "multipleModelMethod", METHODS)
        treatment = choice_of(segmentation, "missingPredictionTreatment", OF_MISSING, "continue")
        chain = method == "modelChain"
        if chain and treatment == "skipSegment":
            raise NotCompilable("has a modelChain with missingPredictionTreatment='skipSegment'")
        if method in ("modelChain", "selectFirst") and of_kind(parts, "Targets"):
            raise NotCompilable(f"has Targets of a {method}")  # JPMML leaves them out
        elements = of_kind(opened(segmentation, segmentation.attrib.keys(), {"Segment"}), "Segment")
        if not elements:
            raise ValueError("has a Segmentation without segments")
        function = element.get("functionName", "")
        columns = Columns()
        forest = self._forest(elements, method, function, scope, target, floats, columns) if method in FORESTS else None
        if forest is not None and columns.sure:
            return forest
        around = Scope(self.document, dict(scope.names))
        segments = []
        for each in elements:
            segment = self._segment(each, around, None if chain else target)
            segments.append(segment)
            if chain:
                _put_out(segment, around)
        ensemble = Ensemble(segments, method, treatment, target, floats, self.document.exporter.ties_to_first_label)
        if method in ("modelChain", "selectFirst"):
            return chosen(ensemble, function, of_target)
        answer = together(ensemble, function)
        return answer if forest is None else with_care(forest, columns, answer)

    def _forest(
        self,
        segments: list[Element],
        method: str,
        function: str,
        scope: Scope,
        target: Target | None,
        floats: bool,
        columns: Columns,
    ) -> Answer | None:
        """What trees give together that all are for all records and have nothing else to them; else None."""
        trees, weights = [], []
        for segment in segments:
            parts = opened(segment, {"id", "weight"}, PREDICATES | KINDS.keys())
            if sorted(kind for kind, _ in parts) != ["TreeModel", "True"]:
                return None
            element = only(parts, "TreeModel")
            inner = self._parts("TreeModel", element)
            context = choice_of(element, "x-mathContext", {"float", "double"}, "double") == "float"
            if {kind for kind, _ in inner} & {"Targets", "LocalTransformations"} or context != floats:
                return None
            inputs, targets = mining_fields(only(inner, "MiningSchema"))
            if inputs.keys() & self.shared.keys():
                return None
            if targets and (target is None or targets != [target.name]):
                return None
            if targets and function == "regression" and target is not None and target.type is not Type.DOUBLE:
                return None
            own = Scope(self.document, dict(self.shared))
            for name, field in inputs.items():
                own.names[name] = partial(retreated, name, field, scope)
            choice_of(element, "functionName", {function})
            choice_of(element, "isScorable", {"true"}, "true")
            trees.append(tree_of(element, inner, own, columns, target, floats, careful=False))
            weights.append(number_of(segment, "weight", 1.0))
        if function == "classification" and (floats or method in SUMS):
            return None
        labels = labels_of(target) if function == "classification" else None
        return forest_of(trees, columns, method, weights, labels, floats, self.document.exporter.ties_to_first_label)

    def _segment(self, element: Element, around: Scope, outer: Target | None) -> Segment:
        parts = opened(element, {"id", "weight"}, PREDICATES | KINDS.keys())
        models = [(kind, child) for kind, child in parts if kind in KINDS]
        if len(models) != 1:
            raise NotCompilable(f"has a Segment with {len(models)} models")
        kind, child = models[0]
        condition = predicate_in(parts, around)
        weight = number_of(element, "weight", 1.0)
        return Segment(condition, weight, self.segment(kind, child, around, outer))


def _put_out(segment: Segment, around: Scope) -> None:
    """Let those after a segment of a chain know what it gives."""
    for name, make in segment.model.outputs.items():
        if name in around.names:
            raise NotCompilable(f"has two fields {shown(name)!r}")
        around.names[name] = partial(_where_applied, make, segment)


def _where_applied(make: Callable[[], Expression], segment: Segment) -> Expression:
    found = make()
    if segment.condition is TRUE:
        return found

    def evaluate(batch: Batch) -> Column:
        values, state = found.evaluate(batch)
        applies, invalid = segment.applies(batch)
        own = np.where(applies, np.uint8(0), np.uint8(INVALID))
        for each in (state, invalid):
            own = own if each is None else np.maximum(own, each)
        return Column(values, own)

    return Expression(found.type, evaluate, depth=found.depth + 1, categorical=found.categorical)


def _tree(element: Element, parts: Parts, scope: Scope, target: Target | None, floats: bool) -> Answer:
    labels = labels_of(target)
    classifies = element.get("functionName") == "classification"
    columns = Columns()
    tree = tree_of(element, parts, scope, columns, target, floats, careful=False)
    fast = single_tree(tree, columns, labels, classifies, floats)
    if columns.sure:
        return fast
    careful = Columns()
    tree = tree_of(element, parts, scope, careful, target, floats, careful=True)
    return with_care(fast, columns, single_tree(tree, careful, labels, classifies, floats))


FORESTS = frozenset({*SUMS, "average", "weightedAverage"})
BOTH = frozenset({"regression", "classification"})
KINDS = {
    "RegressionModel": Kind(
        BOTH, {"modelType", "targetFieldName", "normalizationMethod"}, {"RegressionTable"}, regression
    ),
    "GeneralRegressionModel": Kind(
        BOTH,
        {
            "modelType",
            "linkFunction",
            "linkParameter",
            "distribution",
            "distParameter",
            "offsetValue",
            "offsetVariable",
            "targetReferenceCategory",
        },
        {"ParameterList", "FactorList", "CovariateList", "PPMatrix", "ParamMatrix"},
        general_regression,
    ),
    "TreeModel": Kind(BOTH, TREE, {"Node"}, _tree),
    "MiningModel": Kind(BOTH, frozenset(), {"Segmentation"}, None),
    "NeuralNetwork": Kind(
        BOTH,
        {*FUNCTIONS, "numberOfLayers"} | OF_OTHER_ACTIVATIONS,
        {"NeuralInputs", "NeuralLayer", "NeuralOutputs"},
        network,
    ),
}
