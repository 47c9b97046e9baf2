"""What a model of any kind gives: a number, or one of several labels; and how that becomes its target's value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.expressions import EXPRESSIONS, expression, inner
from model.formats.pmml.compiled.fields import Target, label_text
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import (
    DTYPES,
    INVALID,
    MISSING,
    Batch,
    Column,
    Expression,
    State,
    Type,
    cast,
    once,
    parsed,
    type_of,
)
from model.formats.pmml.reading import NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, shown, text_of


class Election(NamedTuple):
    """Which label each record of a batch gets."""

    winners: NDArray[np.intp]  # places among the labels, shape (n,)
    shares: NDArray[np.float64] | None  # shape (n, labels); None where the model names labels without probabilities
    state: State | None = None
    order: NDArray[np.float64] | None = None
    """Shape (n, labels): in which order the model names them; None: as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A model whose answers are labels."""

    labels: tuple[str, ...]
    elect: Callable[[Batch], Election]
    probabilities: bool

    def election(self, batch: Batch) -> Election:
        """The result for a batch, calculated once."""
        found: Election | None = batch.memo.get(id(self))
        if found is None:
            found = batch.memo[id(self)] = self.elect(batch)
        return found

    def values(self, type_: Type) -> Expression:
        """The labels as values of a type."""
        texts = [parsed(label, type_) for label in self.labels]
        values = np.array(texts, DTYPES[type_])

        def evaluate(batch: Batch) -> Column:
            found = self.election(batch)
            return Column(values[found.winners], found.state)

        return Expression(type_, evaluate, categorical=True)

    def probability(self, label: str) -> Expression:
        """The share of a label."""
        if not self.probabilities or label not in self.labels:
            raise NotCompilable(f"asks for a probability of {shown(label)} that its model does not give")
        place = self.labels.index(label)

        def evaluate(batch: Batch) -> Column:
            found = self.election(batch)
            return Column(np.zeros(len(batch)) if found.shares is None else found.shares[:, place], found.state)

        return Expression(Type.DOUBLE, evaluate)


Answer = Expression | Classifier
"""An expression: a regression's number."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a document, or of a segment."""

    answer: Answer
    target: str | None
    outputs: Mapping[str, Callable[[], Expression]] = field(default_factory=dict)

    @property
    def classifier(self) -> Classifier:
        """The answer of a classification.

        Raises:
            NotCompilable: it is none.
        """
        if not isinstance(self.answer, Classifier):
            raise NotCompilable("puts a regression where labels are known")
        return self.answer

    @property
    def number(self) -> Expression:
        """The answer of a regression.

        Raises:
            NotCompilable: it is none.
        """
        if isinstance(self.answer, Classifier):
            raise NotCompilable("puts labels where numbers are known")
        return self.answer


def winner_of(shares: NDArray[np.float64], order: NDArray[np.float64] | None = None) -> NDArray[np.intp]:
    """The place of the largest share; of equals the one that is first in order."""
    winners: NDArray[np.intp] = shares.argmax(axis=1)
    if order is None:
        return winners
    best = shares == shares.max(axis=1, keepdims=True)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    if len(tied):
        winners[tied] = np.where(best[tied], order[tied], np.inf).argmin(axis=1)
    return winners


def with_care(fast: Answer, columns: Columns, careful: Answer) -> Answer:
    """The fast answer for records that have all of these columns, the careful one for the others."""
    if isinstance(fast, Classifier) or isinstance(careful, Classifier):
        return _classified_with_care(fast, columns, careful)

    def evaluate(batch: Batch) -> Column:
        values, state = fast.evaluate(batch)
        rows = columns.lacking(batch)
        if not len(rows):
            return Column(values, state)
        column = careful.evaluate(Batch(batch.features[rows]))
        values, state = values.copy(), np.zeros(len(batch), np.uint8) if state is None else state.copy()
        values[rows] = column.values
        state[rows] = 0 if column.state is None else column.state
        return Column(values, state)

    return Expression(fast.type, evaluate, careful.sure, 1 + max(fast.depth, careful.depth))


def _classified_with_care(fast: Answer, columns: Columns, careful: Answer) -> Classifier:
    if not isinstance(fast, Classifier) or not isinstance(careful, Classifier):
        raise NotCompilable("puts labels where numbers are known")
    labels = tuple(dict.fromkeys([*fast.labels, *careful.labels]))
    places = np.array([labels.index(label) for label in careful.labels])

    def elect(batch: Batch) -> Election:
        first = fast.election(batch)
        rows = columns.lacking(batch)
        if not len(rows):
            return first
        second = careful.election(Batch(batch.features[rows]))
        winners = first.winners.copy()
        state = np.zeros(len(batch), np.uint8) if first.state is None else first.state.copy()
        winners[rows] = places[second.winners]
        state[rows] = 0 if second.state is None else second.state
        order = None
        if first.order is not None or second.order is not None:
            order = _patched(
                _order_of(first, len(fast.labels)), _order_of(second, len(places)), rows, places, len(labels)
            )
        return Election(winners, _patched(first.shares, second.shares, rows, places, len(labels)), state, order)

    return Classifier(labels, elect, fast.probabilities and careful.probabilities)


def _order_of(election: Election, labels: int) -> NDArray[np.float64]:
    if election.order is not None:
        return election.order
    return np.broadcast_to(np.arange(labels, dtype=np.float64), (len(election.winners), labels))


def _patched(
    first: NDArray[np.float64] | None,
    second: NDArray[np.float64] | None,
    rows: NDArray[np.intp],
    places: NDArray[np.intp],
    width: int,
) -> NDArray[np.float64] | None:
    if first is None or second is None:
        return None
    shares = np.zeros((len(first), width))
    shares[:, : first.shape[1]] = first
    shares[rows] = 0
    shares[np.ix_(rows, places)] = second
    return shares


ROUNDINGS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "round": lambda values: np.floor(values + values.dtype.type(0.5)),
    "ceiling": np.ceil,
    "floor": np.floor,
}


def as_target(answer: Answer, parts: Parts, target: Target | None) -> Answer:
    """The answer as the target's value: limited, rescaled, rounded, of its type, in this order.

    Raises:
        NotCompilable: the target is treated in another way, too.
    """
    treatment = _treatment(parts, target)
    if isinstance(answer, Classifier):
        if treatment is not None:
            raise NotCompilable("has Targets for labels")
        return answer
    number = answer
    if treatment is not None:
        number = _treated(number, treatment)
    if target is not None:
        if target.type in (Type.STRING, Type.BOOLEAN):
            raise NotCompilable(f"predicts a number for a target of type {target.type}")
        number = cast(number, target.type)
    return once(number)


def _treatment(parts: Parts, target: Target | None) -> Element | None:
    if not of_kind(parts, "Targets"):
        return None
    element = only(opened(only(parts, "Targets"), frozenset(), {"Target"}), "Target")
    attributes = {"field", "optype", "rescaleFactor", "rescaleConstant", "min", "max", "castInteger"}
    opened(element, attributes, {"TargetValue"})
    if element.get("field") not in ((None, target.name) if target is not None else (None,)):
        raise NotCompilable(f"has a Target for {shown(element.attrib['field'])}, which it does not predict")
    return element


def _treated(number: Expression, treatment: Element) -> Expression:
    low, high = number_of(treatment, "min", -np.inf), number_of(treatment, "max", np.inf)
    factor, summand = number_of(treatment, "rescaleFactor", 1.0), number_of(treatment, "rescaleConstant", 0.0)
    rounding = treatment.get("castInteger")
    if rounding is not None:
        choice_of(treatment, "castInteger", ROUNDINGS.keys())
    default = _default(treatment)
    dtype = np.float32 if number.type is Type.FLOAT else np.float64

    def evaluate(batch: Batch) -> Column:
        values, state = number.evaluate(batch)
        values = values.astype(dtype)
        if state is not None and default is not None:
            values, state = np.where(state == MISSING, dtype(default), values), np.where(state == MISSING, 0, state)
        values = np.clip(values, dtype(low), dtype(high)) * dtype(factor) + dtype(summand)
        return Column(values if rounding is None else ROUNDINGS[rounding](values), state)

    return Expression(number.type, evaluate, number.sure, number.depth + 1)


def _default(treatment: Element) -> float | None:
    """What a missing prediction is replaced with."""
    values = [child for _, child in opened(treatment, treatment.attrib.keys(), {"TargetValue"})]
    if not values:
        return None
    if len(values) > 1:
        raise NotCompilable("has a Target with several TargetValues")
    opened(values[0], {"defaultValue"})
    return number_of(values[0], "defaultValue")


OUTPUT_FIELD = frozenset(
    {"name", "displayName", "optype", "dataType", "feature", "value", "isFinalResult", "targetField", "ruleFeature"}
)


def outputs_of(parts: Parts, model: Model, scope: Scope, target: Target | None) -> dict[str, Callable[[], Expression]]:
    """By name what a model puts out for those after it, read when it is asked for."""
    here = Scope(scope.document, dict(scope.names))
    outputs: dict[str, Callable[[], Expression]] = {}
    for element in (each for output in of_kind(parts, "Output") for each in of_kind(_fields(output), "OutputField")):
        name = text_of(element, "name")
        if name in outputs:
            raise NotCompilable(f"has two OutputFields {shown(name)!r}")

        def make(element: Element = element) -> Expression:
            return _certain(once(_output(element, model, here, target)))

        outputs[name] = make
        here.names[name] = make
    return outputs


def _fields(output: Element) -> Parts:
    return opened(output, frozenset(), {"OutputField"})


def _certain(found: Expression) -> Expression:
    """Who uses what a model did not give has nothing to calculate with."""

    def evaluate(batch: Batch) -> Column:
        values, state = found.evaluate(batch)
        return Column(values, None if state is None else np.where(state > 0, np.uint8(INVALID), np.uint8(0)))

    return Expression(found.type, evaluate, found.sure, found.depth + 1, found.categorical)


def _output(element: Element, model: Model, scope: Scope, target: Target | None) -> Expression:
    feature = choice_of(element, "feature", {"predictedValue", "probability", "transformedValue"}, "predictedValue")
    parts = opened(element, OUTPUT_FIELD, EXPRESSIONS.keys() if feature == "transformedValue" else frozenset())
    wanted = type_of(element.attrib["dataType"]) if "dataType" in element.attrib else None
    if feature == "transformedValue":
        return expression(inner(parts), scope, wanted)
    if feature == "probability":
        type_ = Type.STRING if target is None else target.type
        found = model.classifier.probability(label_text(text_of(element, "value"), type_))
    elif isinstance(model.answer, Classifier):
        return model.answer.values(wanted or (Type.STRING if target is None else target.type))
    else:
        found = model.number
    return found if wanted is None else cast(found, wanted)
