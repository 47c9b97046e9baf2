"""RegressionModel and GeneralRegressionModel: sums of terms, and what is made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.fields import Target, label_text
from model.formats.pmml.compiled.functions import normal_cdf, power
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.answers import Answer, Classifier, Election, winner_of
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import DTYPES, INVALID, Batch, Column, Expression, Type, marked, parsed, worst
from model.formats.pmml.reading import NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, text_of

Array = NDArray[Any]
Inverse = Callable[[Array, float], Array]
"""From the linear predictor, and the parameter that some links have, to the value."""

INVERSES: dict[str, Inverse] = {
    "identity": lambda eta, _: eta,
    "log": lambda eta, _: np.exp(eta),
    "logit": lambda eta, _: 1 / (1 + np.exp(-eta)),
    "probit": lambda eta, _: normal_cdf(eta),
    "cloglog": lambda eta, _: 1 - np.exp(-np.exp(eta)),
    "loglog": lambda eta, _: np.exp(-np.exp(-eta)),
    "cauchit": lambda eta, _: 0.5 + np.arctan(eta) / np.pi,
    "logc": lambda eta, _: 1 - np.exp(eta),
    "power": lambda eta, root: power(eta, 1 / root),
    "oddspower": lambda eta, root: 1 / (1 + power(1 + root * eta, -1 / root)),
    "negbin": lambda eta, dispersion: 1 / (dispersion * (np.exp(-eta) - 1)),
}
"""Inverse link functions. Source: PMML 4.4, "General Regression", "linkFunction"."""

LINKS = INVERSES.keys() - {"cauchit"}
"""The last is a normalization of a RegressionModel only."""

PARAMETERS = {"power": "linkParameter", "oddspower": "linkParameter", "negbin": "distParameter"}
"""By link: the attribute with its parameter."""

NORMALISATIONS = {
    "none": "identity",
    "exp": "log",
    "softmax": "logit",
    "logit": "logit",
    "probit": "probit",
    "cloglog": "cloglog",
    "loglog": "loglog",
    "cauchit": "cauchit",
}
"""By RegressionModel's ``normalizationMethod``, for a single number: the same function as a link."""

IN_FLOAT = frozenset({"none", "exp", "softmax", "logit"})
"""Those that JPMML has for ``x-mathContext="float"``."""

BINARY = frozenset({"none", "logit", "probit", "cloglog", "loglog", "cauchit"})
"""With two labels, the second has what the first leaves."""


@dataclass(slots=True)
class Sum:
    """An intercept and terms."""

    floats: bool = False
    intercept: float = 0.0
    columns: Columns = field(default_factory=Columns)
    coefficients: dict[int, float] = field(default_factory=dict)  # by column
    products: list[tuple[float, list[tuple[int, float]]]] = field(default_factory=list)  # columns with their exponents
    indicators: list[tuple[Expression, Any, float]] = field(default_factory=list)  # where a field has a value

    def add(self, coefficient: float, factors: Sequence[tuple[Expression, float]]) -> None:
        """A term: the coefficient times fields with their exponents."""
        if not factors:
            self.intercept += coefficient
        elif len(factors) == 1 and factors[0][1] == 1.0 and self.columns.place(factors[0][0]) not in self.coefficients:
            self.coefficients[self.columns.place(factors[0][0])] = coefficient
        else:  # also a second term of a field: of an infinite one the two may come to no number
            self.products.append((coefficient, [(self.columns.place(each), exponent) for each, exponent in factors]))

    def expression(self) -> Expression:
        """The sum; it is missing where one of its numbers is, but not where a category is."""
        dtype = np.float32 if self.floats else np.float64
        weights = np.array(list(self.coefficients.values()), np.float64)
        # The other columns are in products only. Even 0 times one of them would be no number where it is infinite.
        linear = list(self.coefficients)
        every = linear == list(range(len(self.columns.expressions)))
        indicators = [(each, np.array(value, DTYPES[each.type]), weight) for each, value, weight in self.indicators]
        sure = self.columns.sure and all(each.sure for each, _, _ in indicators)

        def evaluate(batch: Batch) -> Column:
            matrix, state = self.columns.matrix(batch)
            terms = matrix if every else matrix[:, linear]
            total = _sequential(terms, weights, self.intercept) if self.floats else terms @ weights + self.intercept
            for coefficient, factors in self.products:
                product = np.full(len(batch), coefficient)
                for column, exponent in factors:
                    product *= power(matrix[:, column], exponent)
                total = total + product.astype(dtype)
            for each, value, weight in indicators:
                values, missing = each.evaluate(batch)
                held = values == value
                if missing is not None:
                    held = held & (missing == 0)
                    state = marked(state, missing == INVALID, INVALID)
                total = total + held * dtype(weight)
            return Column(total, state)

        depth = 1 + max((each.depth for each in self.columns.expressions), default=0)
        return Expression(Type.FLOAT if self.floats else Type.DOUBLE, evaluate, sure, depth)


def _sequential(matrix: NDArray[np.float64], weights: NDArray[np.float64], intercept: float) -> Array:
    """In float32, one term after the other: the order makes the last digits."""
    total = np.full(len(matrix), 0, np.float32)
    for column, weight in enumerate(weights):
        total += np.float32(weight) * matrix[:, column].astype(np.float32)
    return total + np.float32(intercept)


def regression(element: Element, parts: Parts, scope: Scope, target: Target | None, floats: bool) -> Answer:
    """What a RegressionModel calculates; raises as ``compiler.compiled`` does."""
    choice_of(
        element,
        "modelType",
        {"linearRegression", "stepwisePolynomialRegression", "logisticRegression"},
        "linearRegression",
    )
    if target is not None:
        choice_of(element, "targetFieldName", {target.name}, target.name)
    tables = of_kind(parts, "RegressionTable")
    if element.get("functionName") == "classification":
        return _classification(element, tables, scope, target, floats)
    methods = IN_FLOAT if floats else NORMALISATIONS.keys()
    method = choice_of(element, "normalizationMethod", methods, "none")
    return _seen_through(_table(only(parts, "RegressionTable"), scope, floats), NORMALISATIONS[method], 0.0)


def embedded_regression(element: Element, scope: Scope, floats: bool) -> Expression:
    """A Regression in a tree's node."""
    parts = opened(element, {"functionName", "modelName", "normalizationMethod"}, {"RegressionTable"})
    choice_of(element, "functionName", {"regression"})
    method = choice_of(element, "normalizationMethod", NORMALISATIONS.keys(), "none")
    return _seen_through(_table(only(parts, "RegressionTable"), scope, floats), NORMALISATIONS[method], 0.0)


def _seen_through(total: Expression, link: str, parameter: float) -> Expression:
    inverse = INVERSES[link]
    if link == "identity":
        return total

    def evaluate(batch: Batch) -> Column:
        values, state = total.evaluate(batch)
        return Column(_as(values, inverse(values.astype(np.float64), parameter)), state)

    return Expression(total.type, evaluate, total.sure, total.depth + 1)


def _as(like: Array, values: Array) -> Array:
    return values.astype(like.dtype)


def _table(table: Element, scope: Scope, floats: bool) -> Expression:
    total = Sum(floats)
    total.add(number_of(table, "intercept"), [])
    children = {"NumericPredictor", "CategoricalPredictor", "PredictorTerm"}
    for kind, term in opened(table, {"intercept", "targetCategory"}, children):
        if kind == "PredictorTerm":
            factors = opened(term, {"coefficient", "name"}, {"FieldRef"})
            for _, factor in factors:
                opened(factor, {"field"})
            fields = [(scope.number(text_of(factor, "field")), 1.0) for _, factor in factors]
            total.add(number_of(term, "coefficient"), fields)
        elif kind == "NumericPredictor":
            opened(term, {"name", "coefficient", "exponent"})
            exponent = number_of(term, "exponent", 1.0)
            total.add(number_of(term, "coefficient"), [(scope.number(text_of(term, "name")), exponent)])
        else:
            opened(term, {"name", "value", "coefficient"})
            each = scope.resolve(text_of(term, "name"))
            total.indicators.append((each, _category(term, each), number_of(term, "coefficient")))
    return total.expression()


def _category(element: Element, of: Expression) -> Any:
    if of.type is Type.NUMBER:
        raise NotCompilable("has a category of what may be an integer or a double")
    return parsed(text_of(element, "value"), of.type)


def _classification(
    element: Element, tables: Sequence[Element], scope: Scope, target: Target | None, floats: bool
) -> Classifier:
    type_ = Type.STRING if target is None else target.type
    labels = tuple(label_text(text_of(table, "targetCategory"), type_) for table in tables)
    if (
        len(set(labels)) != len(labels)
        or len(labels) < 2
        or (target is not None and target.labels and set(target.labels) != set(labels))
    ):
        raise NotCompilable("has RegressionTables that are not one for each of its target's labels")
    methods = {*BINARY, "softmax", "simplemax"} if len(labels) == 2 else {"none", "logit", "softmax", "simplemax"}
    method = choice_of(
        element, "normalizationMethod", methods & {*IN_FLOAT, "simplemax"} if floats else methods, "none"
    )
    sums = [_table(table, scope, floats) for table in tables]
    exporter = scope.document.exporter
    if exporter.threshold_as_intercept and len(labels) == 2 and not len(tables[1]):
        return _above_threshold(labels, sums)
    order = target.labels if target is not None and exporter.ties_to_first_label else ()
    return classifier_of(labels, sums, method, order)


def _above_threshold(labels: tuple[str, ...], sums: Sequence[Expression]) -> Classifier:
    """The first label where its sum is above the second one's, which is the threshold as Spark has it."""

    def elect(batch: Batch) -> Election:
        first, threshold = (each.evaluate(batch) for each in sums)
        winners = np.where(np.broadcast_to(first.values > threshold.values, len(batch)), 0, 1)
        return Election(winners, None, worst(first, threshold))

    return Classifier(labels, elect, probabilities=False)


def classifier_of(labels: tuple[str, ...], sums: Sequence[Expression], method: str, order: Sequence[str]) -> Classifier:
    """The label with the largest share, of equals the one that is first in order."""
    ranks = np.array([order.index(label) for label in labels], np.float64) if order else None

    def elect(batch: Batch) -> Election:
        columns = [each.evaluate(batch) for each in sums]
        etas = np.stack([np.broadcast_to(column.values, len(batch)) for column in columns], axis=1)
        shares = _shares(etas.astype(np.float64), method).astype(etas.dtype)
        state = marked(worst(*columns), np.isnan(shares).any(axis=1), INVALID)
        return Election(
            winner_of(shares, None if ranks is None else np.broadcast_to(ranks, shares.shape)), shares, state
        )

    return Classifier(labels, elect, probabilities=True)


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares by powers of e; without overflow."""
    return shares_of(np.exp(values - values.max(axis=1, keepdims=True)))


def shares_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of each record's sum."""
    shares: NDArray[np.float64] = values / values.sum(axis=1, keepdims=True)
    return shares


def _shares(etas: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    if method == "softmax":
        return softmax(etas)
    if method == "simplemax":
        return shares_of(etas)
    values: NDArray[np.float64] = INVERSES[NORMALISATIONS[method]](etas, 0.0)
    if etas.shape[1] == 2:
        return np.stack([values[:, 0], 1 - values[:, 0]], axis=1)
    if method == "none":
        return np.concatenate([values[:, :-1], 1 - values[:, :-1].sum(axis=1, keepdims=True)], axis=1)
    return shares_of(values)


def general_regression(element: Element, parts: Parts, scope: Scope, target: Target | None, floats: bool) -> Answer:
    """What a GeneralRegressionModel calculates; raises as ``compiler.compiled`` does."""
    offset = _offset(element, scope)
    terms = _parameters(parts, scope)
    if element.get("functionName") == "classification":
        return _multinomial(element, parts, terms, offset, target, floats)
    link, parameter = _link(element)
    betas = _betas(parts, terms, by_label=False)
    total = _glm_sum(betas[None], terms, offset, floats)
    return _seen_through(total, link, parameter)


Factors = list[tuple[Expression, float]]
Indicators = list[tuple[Expression, Any]]
Parameter = tuple[Factors, Indicators]
"""What a coefficient is multiplied with: covariates with their exponents, and categories of factors."""


def _glm_sum(
    betas: dict[str, float], terms: dict[str, Parameter], offset: Sequence[tuple[float, Factors]], floats: bool
) -> Expression:
    total = Sum(floats)
    for coefficient, factors in offset:
        total.add(coefficient, factors)
    for name, beta in betas.items():
        factors, indicators = terms[name]
        if len(indicators) > 1 or (indicators and factors):
            raise NotCompilable("its PPMatrix has a parameter of several factors")
        if indicators:
            total.indicators.append((*indicators[0], beta))
        else:
            total.add(beta, factors)
    return total.expression()


def _offset(element: Element, scope: Scope) -> list[tuple[float, Factors]]:
    offset: list[tuple[float, Factors]] = []
    if "offsetValue" in element.attrib:
        offset.append((number_of(element, "offsetValue"), []))
    if "offsetVariable" in element.attrib:
        if offset:
            raise NotCompilable("has an offsetValue and an offsetVariable")
        offset.append((1.0, [(scope.number(element.attrib["offsetVariable"]), 1.0)]))
    return offset


def _parameters(parts: Parts, scope: Scope) -> dict[str, Parameter]:
    terms: dict[str, Parameter] = {}
    for name in _names(parts, "ParameterList", "Parameter", {"name", "label"}):
        terms[name] = ([], [])
    factors = _names(parts, "FactorList", "Predictor", {"name"}) if of_kind(parts, "FactorList") else []
    covariates = _names(parts, "CovariateList", "Predictor", {"name"}) if of_kind(parts, "CovariateList") else []
    cells = opened(only(parts, "PPMatrix"), frozenset(), {"PPCell"}) if of_kind(parts, "PPMatrix") else []
    seen = set()
    for _, cell in cells:
        opened(cell, {"value", "predictorName", "parameterName"})
        parameter, predictor = text_of(cell, "parameterName"), text_of(cell, "predictorName")
        if parameter not in terms or predictor not in (*factors, *covariates) or (parameter, predictor) in seen:
            raise NotCompilable("its PPMatrix has what is no parameter, or no covariate or factor, or one twice")
        seen.add((parameter, predictor))
        if predictor in factors:
            each = scope.resolve(predictor)
            terms[parameter][1].append((each, _category(cell, each)))
        else:
            terms[parameter][0].append((scope.number(predictor), number_of(cell, "value")))
    return terms


def _betas(parts: Parts, terms: dict[str, Parameter], by_label: bool) -> dict[str | None, dict[str, float]]:
    betas: dict[str | None, dict[str, float]] = {} if by_label else {None: {}}
    for _, cell in opened(only(parts, "ParamMatrix"), frozenset(), {"PCell"}):
        opened(cell, {"parameterName", "beta", "df"} | ({"targetCategory"} if by_label else frozenset()))
        name = text_of(cell, "parameterName")
        of_label = betas.setdefault(text_of(cell, "targetCategory") if by_label else None, {})
        if name in of_label or name not in terms:
            raise NotCompilable("its ParamMatrix has what is no parameter, or one twice")
        of_label[name] = number_of(cell, "beta")
    return betas


def _multinomial(
    element: Element,
    parts: Parts,
    terms: dict[str, Parameter],
    offset: list[tuple[float, Factors]],
    target: Target | None,
    floats: bool,
) -> Classifier:
    choice_of(element, "modelType", {"multinomialLogistic"})
    if target is None or not target.labels:
        raise NotCompilable("has a multinomialLogistic model of a target that lists no labels")
    reference = label_text(text_of(element, "targetReferenceCategory"), target.type)
    betas = {label_text(str(label), target.type): of for label, of in _betas(parts, terms, by_label=True).items()}
    if set(betas) != set(target.labels[:-1]) or reference != target.labels[-1] or offset:
        raise NotCompilable("has a multinomialLogistic model whose reference is not the last label, or with an offset")
    sums = [_glm_sum(betas.get(label, {}), terms, [], floats) for label in target.labels]
    return classifier_of(target.labels, sums, "softmax", ())


def _link(element: Element) -> tuple[str, float]:
    kind = choice_of(element, "modelType", {"regression", "generalLinear", "generalizedLinear"})
    if kind != "generalizedLinear":
        return choice_of(element, "linkFunction", {"identity"}, "identity"), 0.0
    link = choice_of(element, "linkFunction", LINKS)
    if link not in PARAMETERS:
        return link, 0.0
    parameter = number_of(element, PARAMETERS[link])
    if parameter == 0:
        raise NotCompilable(f"its {PARAMETERS[link]} is 0")
    return link, parameter


def _names(parts: Parts, of: str, kind: str, attributes: set[str]) -> list[str]:
    elements = [element for _, element in opened(only(parts, of), frozenset(), {kind})]
    for element in elements:
        opened(element, attributes)
    return [text_of(element, "name") for element in elements]
