"""MiningModel: several models, of which some answer for a record, and how their answers are put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.fields import Target
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.answers import Answer, Classifier, Election, Model, winner_of
from model.formats.pmml.compiled.models.forest import Forest
from model.formats.pmml.compiled.models.trees import Tree
from model.formats.pmml.compiled.predicates import TRUE
from model.formats.pmml.compiled.values import DTYPES, INVALID, MISSING, Batch, Column, Expression, State, Type, cast
from model.formats.pmml.reading import NotCompilable

Array = NDArray[Any]
States = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Segment:
    """A model and the records that it is for."""

    condition: Expression
    weight: float
    model: Model

    def applies(self, batch: Batch) -> tuple[NDArray[np.bool_], State | None]:
        """For which records it is, and for which that is not valid; an unknown condition is false."""
        held, state = self.condition.evaluate(batch)
        if state is None:
            return np.broadcast_to(held, len(batch)), None
        return np.broadcast_to(held & (state == 0), len(batch)), np.where(state == INVALID, state, np.uint8(0))


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The segments of a model, and how what they give is put together."""

    segments: Sequence[Segment]
    method: str
    treatment: str  # of missing predictions
    target: Target | None
    floats: bool
    ties_to_first_label: bool

    @property
    def weights(self) -> list[float]:
        """The segments' weights, all 1 where they do not count.

        Raises:
            ValueError: one is below 0, or they are 0 together.
        """
        return weights_of(self.method, [segment.weight for segment in self.segments])


def weights_of(method: str, given: Sequence[float]) -> list[float]:
    """The weights that count with a method.

    Raises:
        ValueError: one is below 0, or they are 0 together.
    """
    weights = list(given) if method.startswith("weighted") else [1.0] * len(given)
    if sum(weights) == 0 or min(weights) < 0:
        raise ValueError("has segments whose weights are below 0, or 0 together")
    return weights


def forest_of(
    trees: Sequence[Tree],
    columns: Columns,
    method: str,
    given: Sequence[float],
    labels: Sequence[str] | None,
    floats: bool,
    in_order: bool,
) -> Answer | None:
    """Trees whose answers are put together in one step; None if one of them may have none for a record.

    Args:
        labels: the target's; None: the trees give numbers.
        in_order: of labels with equal shares the first of these wins.
    """
    forest = Forest(trees, columns)
    if not forest.complete or forest.regressions:
        return None
    weights = weights_of(method, given)
    if labels is not None:
        return forest.election(weights, sum(weights), labels, in_order)
    return forest.total(weights, 1.0 if method in SUMS else sum(weights), floats)


SUMS = ("sum", "weightedSum")


def labels_of(target: Target | None) -> tuple[str, ...]:
    """The labels that the data dictionary lists."""
    return () if target is None else target.labels


def together(ensemble: Ensemble, function: str) -> Answer:
    """What the segments give together.

    Raises:
        NotCompilable: the method is not known for this kind of answer.
    """
    if function == "regression":
        return _number(ensemble)
    if ensemble.method in ("majorityVote", "weightedMajorityVote"):
        return _votes(ensemble)
    if ensemble.method in ("average", "weightedAverage"):
        return _average(ensemble)
    raise NotCompilable(f"its Segmentation has multipleModelMethod='{ensemble.method}' for labels")


def _number(ensemble: Ensemble) -> Expression:
    if ensemble.method not in NUMBERS:
        raise NotCompilable(f"its Segmentation has multipleModelMethod='{ensemble.method}' for numbers")
    if ensemble.floats and "edian" in ensemble.method:
        raise NotCompilable(f"its Segmentation has multipleModelMethod='{ensemble.method}' in float")
    weights = ensemble.weights
    put_together = NUMBERS[ensemble.method]
    type_ = Type.FLOAT if ensemble.floats else Type.DOUBLE
    numbers = [cast(segment.model.number, type_) for segment in ensemble.segments]
    sure = all(number.sure for number in numbers) and all(segment.condition is TRUE for segment in ensemble.segments)

    def evaluate(batch: Batch) -> Column:
        columns = [number.evaluate(batch) for number in numbers]
        values = np.stack([np.broadcast_to(column.values, len(batch)) for column in columns])
        if sure:
            found = put_together(values, np.array(weights)[:, None] * np.ones(values.shape))
            return Column(found.astype(DTYPES[type_]))
        counts, state = _counts(ensemble, columns, batch)
        found = put_together(np.where(counts, values, 0), counts * np.array(weights)[:, None])
        if ensemble.method in SUMS:
            return Column(found.astype(DTYPES[type_]), np.where(state == SKIPPED, np.uint8(0), state))
        return Column(found.astype(DTYPES[type_]), np.where(state == SKIPPED, np.uint8(INVALID), state))

    return Expression(type_, evaluate, sure, 1 + max(number.depth for number in numbers))


SKIPPED = 3
"""The state of a record that all its segments are skipped for."""


def _counts(ensemble: Ensemble, columns: Sequence[Column], batch: Batch) -> tuple[NDArray[np.bool_], States]:
    """Which segments count for a record, shape (segments, n), and the states of what they give together."""
    counts = np.zeros((len(columns), len(batch)), np.bool_)
    some, state = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.uint8)
    for i, (segment, column) in enumerate(zip(ensemble.segments, columns, strict=True)):
        applies, invalid = segment.applies(batch)
        if invalid is not None:
            state = np.maximum(state, invalid)
        some |= applies
        counts[i] = applies
        if column.state is not None:
            own = np.where(applies, column.state, np.uint8(0))
            counts[i] &= own == 0
            if ensemble.treatment == "skipSegment":
                own = np.where(own == MISSING, np.uint8(0), own)
            state = np.maximum(state, own)
    none_left = (state == 0) & some & ~counts.any(axis=0)
    return counts, np.where(~some & (state == 0), np.uint8(MISSING), np.where(none_left, np.uint8(SKIPPED), state))


def _sum(values: Array, weights: Array) -> Array:
    total: Array = (values * weights.astype(values.dtype)).sum(axis=0)
    return total


def _mean(values: Array, weights: Array) -> Array:
    mean: Array = _sum(values, weights) / weights.sum(axis=0).astype(values.dtype)
    return mean


def _median(values: Array, weights: Array) -> Array:
    there = np.where(weights > 0, values, np.nan)
    there[0] = np.where((weights > 0).any(axis=0), there[0], 0)  # else numpy warns
    return np.nanmedian(there, axis=0)


def _weighted_median(values: Array, weights: Array) -> Array:
    """The smallest value at which half of the weight, or more, is passed. Source: JPMML's evaluator."""
    ordered = np.argsort(np.where(weights > 0, values, np.inf), axis=0, kind="stable")
    passed = np.take_along_axis(weights, ordered, axis=0).cumsum(axis=0)
    place = (passed >= passed[-1] / 2).argmax(axis=0)
    median: Array = np.take_along_axis(np.take_along_axis(values, ordered, axis=0), place[None], axis=0)[0]
    return median


NUMBERS: dict[str, Callable[[Array, Array], Array]] = {
    "sum": _sum,
    "weightedSum": _sum,
    "average": _mean,
    "weightedAverage": _mean,
    "median": _median,
    "weightedMedian": _weighted_median,
}
"""By method: from the segments' values and weights, shape (segments, n); a segment that does not count has weight 0."""


def _aligned(ensemble: Ensemble) -> tuple[tuple[str, ...], list[NDArray[np.intp]]]:
    """All labels, the target's first, and by segment where its labels are among them."""
    classifiers = [segment.model.classifier for segment in ensemble.segments]
    labels = tuple(
        dict.fromkeys([*labels_of(ensemble.target), *(label for each in classifiers for label in each.labels)])
    )
    return labels, [np.array([labels.index(label) for label in each.labels]) for each in classifiers]


def _average(ensemble: Ensemble) -> Classifier:
    weights = ensemble.weights
    labels, places = _aligned(ensemble)
    classifiers = [segment.model.classifier for segment in ensemble.segments]
    if not all(each.probabilities for each in classifiers) or ensemble.floats:
        raise NotCompilable("averages labels without probabilities, or in float")

    def elect(batch: Batch) -> Election:
        elections = [each.election(batch) for each in classifiers]
        counts, state = _counts(ensemble, [Column(each.winners, each.state) for each in elections], batch)
        shares, order = np.zeros((len(batch), len(labels))), np.full((len(batch), len(labels)), np.inf)
        for i, (each, place) in enumerate(zip(elections, places, strict=True)):
            if each.shares is not None:
                shares[:, place] += np.where(counts[i][:, None], each.shares * weights[i], 0)
            own = np.arange(len(place)) if each.order is None else each.order
            order[:, place] = np.minimum(order[:, place], np.where(counts[i][:, None], own + i * len(labels), np.inf))
        shares /= np.where(counts, np.array(weights)[:, None], 0).sum(axis=0)[:, None]
        winners = winner_of(shares, None if ensemble.ties_to_first_label else order)
        return Election(winners, shares, np.where(state == SKIPPED, np.uint8(INVALID), state))

    return Classifier(labels, elect, probabilities=True)


def _votes(ensemble: Ensemble) -> Classifier:
    """Each segment votes for its label; of equals the one that was voted for first wins. Source: JPMML's evaluator."""
    labels, places = _aligned(ensemble)
    classifiers = [segment.model.classifier for segment in ensemble.segments]
    weights = ensemble.weights

    def elect(batch: Batch) -> Election:
        elections = [each.election(batch) for each in classifiers]
        counts, state = _counts(ensemble, [Column(each.winners, each.state) for each in elections], batch)
        shares, order = np.zeros((len(batch), len(labels))), np.full((len(batch), len(labels)), np.inf)
        records = np.arange(len(batch))
        for i, (each, place) in enumerate(zip(elections, places, strict=True)):
            voted = place[each.winners]
            shares[records, voted] += np.where(counts[i], weights[i], 0)
            order[records, voted] = np.where(counts[i], np.minimum(order[records, voted], i), order[records, voted])
        if ensemble.treatment == "continue":  # who has no answer votes for none, and may win
            applied = np.stack([segment.applies(batch)[0] for segment in ensemble.segments])
            abstained = np.where(applied & ~counts, np.array(weights)[:, None], 0).sum(axis=0)
            elected = counts.any(axis=0) & (abstained <= shares.max(axis=1))
            state = np.where((state == MISSING) & elected, np.uint8(0), state)
        total = shares.sum(axis=1, keepdims=True)
        winners = winner_of(shares, None if ensemble.ties_to_first_label else order)
        return Election(winners, shares / np.where(total == 0, 1, total), np.where(state == SKIPPED, MISSING, state))

    return Classifier(labels, elect, probabilities=True)


def chosen(ensemble: Ensemble, function: str, of_target: str | None) -> Answer:
    """What one of the segments gives: the first that is for a record (selectFirst), or the last (modelChain).

    Args:
        of_target: the target; in a chain a model that does not predict it is only for those after it.
    """
    chain = ensemble.method == "modelChain"
    segments = ensemble.segments
    answers = [
        None if chain and segment.model.target != of_target else _answer_of(segment, function) for segment in segments
    ]
    if answers[-1] is None:
        raise NotCompilable("has a modelChain whose last model has no target")
    if function == "classification":
        return _chosen_label(ensemble, answers)
    return _chosen_number(ensemble, answers)


def _answer_of(segment: Segment, function: str) -> Answer:
    return segment.model.classifier if function == "classification" else segment.model.number


def _choice(ensemble: Ensemble, states: Sequence[State | None], batch: Batch) -> tuple[NDArray[np.intp], States]:
    """By record which segment answers, and the state of that."""
    chain = ensemble.method == "modelChain"
    choice, state = np.full(len(batch), -1, np.intp), np.full(len(batch), MISSING, np.uint8)
    some_missing, invalid = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.uint8)
    for i, (segment, own) in enumerate(zip(ensemble.segments, states, strict=True)):
        applies, wrong = segment.applies(batch)
        if wrong is not None:
            invalid = np.maximum(invalid, wrong if chain else np.where(choice < 0, wrong, np.uint8(0)))
        given = np.zeros(len(batch), np.uint8) if own is None else np.broadcast_to(own, len(batch))
        if not chain:
            applies = applies & (choice < 0)
            if ensemble.treatment == "skipSegment":
                applies = applies & (given != MISSING)
        some_missing |= applies & (given == MISSING)
        choice, state = np.where(applies, i, choice), np.where(applies, given, state)
        if chain:  # one that gives nothing has nothing to put out, and JPMML gives up
            failed = given > 0 if segment.model.outputs else given == INVALID
            invalid = np.maximum(invalid, np.where(applies & failed, np.uint8(INVALID), np.uint8(0)))
    if chain and ensemble.treatment == "returnMissing":
        state = np.where(some_missing, np.uint8(MISSING), state)
    return choice, np.maximum(state, invalid)


def _plain(ensemble: Ensemble, states: Sequence[State | None]) -> bool:
    """Whether the last segment answers for each record."""
    chain = ensemble.method == "modelChain" or len(ensemble.segments) == 1
    return chain and ensemble.segments[-1].condition is TRUE and all(state is None for state in states)


def _states_of(segments: Sequence[Segment], batch: Batch) -> list[State | None]:
    states = []
    for segment in segments:
        answer = segment.model.answer
        states.append(answer.election(batch).state if isinstance(answer, Classifier) else answer.evaluate(batch).state)
    return states


def _chosen_number(ensemble: Ensemble, answers: Sequence[Answer | None]) -> Expression:
    given = [each for each in answers if isinstance(each, Expression)]
    types = {each.type for each in given}
    type_ = types.pop() if len(types) == 1 else Type.DOUBLE
    numbers = [cast(each, type_) if isinstance(each, Expression) else None for each in answers]

    def evaluate(batch: Batch) -> Column:
        states = _states_of(ensemble.segments, batch)
        if numbers[-1] is not None and _plain(ensemble, states):
            return numbers[-1].evaluate(batch)
        choice, state = _choice(ensemble, states, batch)
        values = np.zeros(len(batch), DTYPES[type_])
        for i, number in enumerate(numbers):
            here = choice == i
            if number is None:
                state = np.where(here, np.maximum(state, np.uint8(MISSING)), state)
            else:
                values[here] = np.broadcast_to(number.evaluate(batch).values, len(batch))[here]
        return Column(values, state)

    return Expression(type_, evaluate, depth=1 + max(each.depth for each in given))


def _chosen_label(ensemble: Ensemble, answers: Sequence[Answer | None]) -> Classifier:
    classifiers = [each if isinstance(each, Classifier) else None for each in answers]
    known = [label for each in classifiers if each is not None for label in each.labels]
    labels = tuple(dict.fromkeys([*labels_of(ensemble.target), *known]))

    def elect(batch: Batch) -> Election:
        states = _states_of(ensemble.segments, batch)
        choice, state = _choice(ensemble, states, batch)
        winners, shares = np.zeros(len(batch), np.intp), np.zeros((len(batch), len(labels)))
        for i, each in enumerate(classifiers):
            here = choice == i
            if each is None:
                state = np.where(here, np.maximum(state, np.uint8(MISSING)), state)
                continue
            place = np.array([labels.index(label) for label in each.labels])
            election = each.election(batch)
            winners[here] = place[election.winners][here]
            if election.shares is not None:
                shares[np.ix_(here, place)] = election.shares[here]
        return Election(winners, shares, state)

    probabilities = all(each is None or each.probabilities for each in classifiers)
    return Classifier(labels, elect, probabilities)


TREATMENTS = frozenset({"continue", "skipSegment", "returnMissing"})
METHODS = frozenset({*NUMBERS, "majorityVote", "weightedMajorityVote", "selectFirst", "modelChain"})
