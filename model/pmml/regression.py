"""RegressionModel and GeneralRegressionModel: an intercept and terms, then a link function."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.features import Features, Values
from model.pmml.fields import Fields
from model.pmml.reading import Calculation, NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, text_of

Inverse = Callable[[Values, float], Values]
"""From the linear predictor, and the parameter that some links have, to the value."""

INVERSES: dict[str, Inverse] = {
    "identity": lambda eta, _: eta,
    "log": lambda eta, _: np.exp(eta),
    "logit": lambda eta, _: 1 / (1 + np.exp(-eta)),
    "probit": lambda eta, _: np.array([math.erfc(-each / math.sqrt(2)) / 2 for each in eta.tolist()]),
    "cloglog": lambda eta, _: 1 - np.exp(-np.exp(eta)),
    "loglog": lambda eta, _: np.exp(-np.exp(-eta)),
    "cauchit": lambda eta, _: 0.5 + np.arctan(eta) / np.pi,
    "logc": lambda eta, _: 1 - np.exp(eta),
    "power": lambda eta, power: eta ** (1 / power),
    "oddspower": lambda eta, power: 1 / (1 + (1 + power * eta) ** (-1 / power)),
    "negbin": lambda eta, dispersion: 1 / (dispersion * (np.exp(-eta) - 1)),
}
"""Inverse link functions. Source: PMML 4.4, "General Regression", "linkFunction"."""

PARAMETERS = {"power": "linkParameter", "oddspower": "linkParameter", "negbin": "distParameter"}
"""By link: the attribute with its parameter."""

NORMALISATIONS = {"none": "identity", "exp": "log", "softmax": "logit", "logit": "logit"}
"""By RegressionModel's ``normalizationMethod``, for regressions: the same function as a link."""

Term = tuple[float, dict[int, float]]
"""A coefficient, and by column the exponent; with no column it is an intercept."""


@dataclass(frozen=True, slots=True)
class Regression:
    """The sum of an intercept and terms, seen through a link function."""

    intercept: float
    columns: list[int]
    coefficients: NDArray[np.float64]  # of these columns
    terms: list[Term]  # those that are no multiple of a column
    inverse: Inverse
    parameter: float

    def __call__(self, features: Features) -> Values:
        """See ``model.pmml.reading.Calculation``."""
        eta = features[:, self.columns] @ self.coefficients + self.intercept
        for coefficient, exponents in self.terms:
            product = np.full(len(features), coefficient)
            for column, exponent in exponents.items():
                product *= features[:, column] ** exponent
            eta += product
        return self.inverse(eta, self.parameter)


def regression(element: Element, parts: Parts, fields: Fields) -> Calculation:
    """What a RegressionModel calculates; raises as ``model.pmml.compiler.compiled`` does."""
    choice_of(element, "modelType", {"linearRegression", "stepwisePolynomialRegression"}, "linearRegression")
    choice_of(element, "targetFieldName", {fields.target}, fields.target)
    method = choice_of(element, "normalizationMethod", NORMALISATIONS.keys(), "none")
    table = only(parts, "RegressionTable")
    terms: list[Term] = [(number_of(table, "intercept"), {})]
    for _, predictor in opened(table, {"intercept"}, {"NumericPredictor"}):
        opened(predictor, {"name", "coefficient", "exponent"})
        column = fields.column(predictor, "name")
        terms.append((number_of(predictor, "coefficient"), {column: number_of(predictor, "exponent", 1.0)}))
    return _sum_of(terms, NORMALISATIONS[method], 0.0)


def general_regression(element: Element, parts: Parts, fields: Fields) -> Calculation:
    """What a GeneralRegressionModel without factors calculates; raises as ``model.pmml.compiler.compiled`` does."""
    link, parameter = _link(element)
    opened(only(parts, "FactorList"), frozenset()) if of_kind(parts, "FactorList") else None
    terms: dict[str, Term] = {}
    for name in _names(parts, "ParameterList", "Parameter", {"name", "label"}):
        terms[name] = (0.0, {})
    covariates = _names(parts, "CovariateList", "Predictor", {"name"}) if of_kind(parts, "CovariateList") else []
    for _, cell in opened(only(parts, "PPMatrix"), frozenset(), {"PPCell"}):
        opened(cell, {"value", "predictorName", "parameterName"})
        if cell.get("parameterName") not in terms or cell.get("predictorName") not in covariates:
            raise NotCompilable("its PPMatrix has what is no parameter, or no covariate")
        exponents, column = terms[text_of(cell, "parameterName")][1], fields.column(cell, "predictorName")
        if column in exponents:
            raise NotCompilable("its PPMatrix has a parameter's covariate twice")
        exponents[column] = number_of(cell, "value")
    seen = set()
    for _, cell in opened(only(parts, "ParamMatrix"), frozenset(), {"PCell"}):
        opened(cell, {"parameterName", "beta", "df"})
        name = text_of(cell, "parameterName")
        if name in seen or name not in terms:
            raise NotCompilable("its ParamMatrix has what is no parameter, or one twice")
        seen.add(name)
        terms[name] = (number_of(cell, "beta"), terms[name][1])
    return _sum_of(list(terms.values()), link, parameter)


def _link(element: Element) -> tuple[str, float]:
    kind = choice_of(element, "modelType", {"regression", "generalLinear", "generalizedLinear"})
    if kind != "generalizedLinear":
        return choice_of(element, "linkFunction", {"identity"}, "identity"), 0.0
    link = choice_of(element, "linkFunction", INVERSES.keys())
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


def _sum_of(terms: Sequence[Term], link: str, parameter: float) -> Regression:
    coefficients: dict[int, float] = {}
    intercept, others = 0.0, []
    for coefficient, exponents in terms:
        if not exponents:
            intercept += coefficient
        elif list(exponents.values()) == [1.0]:
            (column,) = exponents
            coefficients[column] = coefficients.get(column, 0.0) + coefficient
        else:
            others.append((coefficient, exponents))
    return Regression(
        intercept, list(coefficients), np.array(list(coefficients.values())), others, INVERSES[link], parameter
    )
