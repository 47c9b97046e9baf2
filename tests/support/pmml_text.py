"""PMML documents as text, and what its rules make of a tree, node by node."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CONTINUOUS = '<DataField name="q" optype="continuous" dataType="double"/>'
"""A regression's target."""


def pmml(model: str, inputs: Sequence[str], target: str = CONTINUOUS, data_type: str = "double") -> bytes:
    """A document with this model; ``inputs`` are names of fields or whole DataFields."""
    plain = f'<DataField name="{{}}" optype="continuous" dataType="{data_type}"/>'
    fields = [each if each.startswith("<") else plain.format(each) for each in inputs]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
        <PMML xmlns="http://www.dmg.org/PMML-4_3" version="4.3"><Header/>
        <DataDictionary>{target}{"".join(fields)}</DataDictionary>{model}</PMML>""".encode()


def target_of(*labels: str, data_type: str = "integer") -> str:
    """A categorical target."""
    values = "".join(f'<Value value="{label}"/>' for label in labels)
    return f'<DataField name="q" optype="categorical" dataType="{data_type}">{values}</DataField>'


def schema(*inputs: str) -> str:
    """A mining schema with target q."""
    active = "".join(f'<MiningField name="{name}"/>' for name in inputs)
    return f'<MiningSchema><MiningField name="q" usageType="target"/>{active}</MiningSchema>'


def regression(
    coefficients: Mapping[str, float],
    intercept: float = 1.0,
    exponents: Mapping[str, int] | None = None,
    more: str = "",
) -> str:
    """The intercept + the sum of coefficient times field, which may have an exponent; ``more`` are attributes."""
    powers = dict.fromkeys(coefficients, "") | {
        name: f' exponent="{exponent}"' for name, exponent in (exponents or {}).items()
    }
    terms = "".join(
        f'<NumericPredictor name="{name}" coefficient="{c!r}"{powers[name]}/>' for name, c in coefficients.items()
    )
    return (
        f'<RegressionModel functionName="regression" {more}>{schema(*coefficients)}'
        f'<RegressionTable intercept="{intercept!r}">{terms}</RegressionTable></RegressionModel>'
    )


@dataclass(frozen=True)
class Node:
    """A Node element. Without a field it is for all records."""

    score: str | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    children: "tuple[Node, ...]" = ()
    name: str | None = None
    operator: str = "lessOrEqual"
    value: str = ""

    def text(self) -> str:
        """As PMML."""
        score = "" if self.score is None else f' score="{self.score}"'
        predicate = f'<SimplePredicate field="{self.name}" operator="{self.operator}" value="{self.value}"/>'
        votes = "".join(
            f'<ScoreDistribution value="{label}" recordCount="{count}"/>' for label, count in self.votes.items()
        )
        inner = "".join(child.text() for child in self.children)
        return f"<Node{score}>{predicate if self.name else '<True/>'}{votes}{inner}</Node>"

    def holds(self, wine: Mapping[str, float]) -> bool:
        """Whether this node is for the wine."""
        if self.name is None:
            return True
        number, value = wine[self.name], float(self.value)
        return {
            "lessThan": number < value,
            "lessOrEqual": number <= value,
            "greaterThan": number > value,
            "greaterOrEqual": number >= value,
        }[self.operator]

    def end(self, wine: Mapping[str, float], falls_back: bool) -> "Node | None":
        """Where the wine ends: the first child that is for it, and so on. Source: PMML 4.4, "Trees"."""
        for child in self.children:
            if child.holds(wine):
                return child.end(wine, falls_back)
        return self if falls_back or not self.children else None

    def scored(self, wine: Mapping[str, float], falls_back: bool) -> float:
        """What a tree gives the wine: NaN where there is no answer."""
        end = self.end(wine, falls_back)
        return math.nan if end is None or end.score is None else float(end.score)


def tree_model(root: Node, inputs: Sequence[str], function: str = "classification", falls_back: bool = False) -> str:
    """A tree model."""
    strategy = ' noTrueChildStrategy="returnLastPrediction"' if falls_back else ""
    return (
        f'<TreeModel functionName="{function}" splitCharacteristic="multiSplit"{strategy}>'
        f"{schema(*inputs)}{root.text()}</TreeModel>"
    )


def split_at_10(low: Node, high: Node) -> Node:
    """``high`` for wines above 10 % alcohol, else ``low``."""
    return Node(
        low.score,
        children=(
            Node(low.score, low.votes, name="alcohol", value="10"),
            Node(high.score, high.votes, name="alcohol", operator="greaterThan", value="10"),
        ),
    )


def tree(low: str, high: str, votes_low: Mapping[str, float], votes_high: Mapping[str, float]) -> str:
    """A classification tree with two leaves: ``high`` for wines above 10 % alcohol, else ``low``."""
    return tree_model(split_at_10(Node(low, votes_low), Node(high, votes_high)), ["alcohol"])


def forest(
    *trees: str,
    inputs: Sequence[str] = ("alcohol",),
    function: str = "classification",
    method: str = "average",
    weights: Sequence[float] | None = None,
    targets: str = "",
) -> str:
    """A mining model of these trees."""
    segments = "".join(
        f'<Segment id="{i}"{"" if weights is None else f" weight={str(weights[i])!r}"}><True/>{each}</Segment>'
        for i, each in enumerate(trees)
    )
    return (
        f'<MiningModel functionName="{function}">{schema(*inputs)}{targets}'
        f'<Segmentation multipleModelMethod="{method}">{segments}</Segmentation></MiningModel>'
    )


def rescaled(factor: float, summand: float) -> str:
    """Targets that rescale what a regression gives."""
    return f'<Targets><Target field="q" rescaleFactor="{factor!r}" rescaleConstant="{summand!r}"/></Targets>'


def general_regression(cells: Sequence[tuple[str, str, int]], betas: Mapping[str, float], more: str) -> str:
    """A general regression: ``cells`` are parameter, covariate and exponent; ``more`` are attributes."""
    covariates = list(dict.fromkeys(name for _, name, _ in cells))
    parameters = "".join(f'<Parameter name="{name}"/>' for name in betas)
    predictors = "".join(f'<Predictor name="{name}"/>' for name in covariates)
    pp = "".join(
        f'<PPCell value="{power}" predictorName="{name}" parameterName="{parameter}"/>'
        for parameter, name, power in cells
    )
    p = "".join(f'<PCell parameterName="{name}" df="1" beta="{beta!r}"/>' for name, beta in betas.items())
    return (
        f'<GeneralRegressionModel functionName="regression" {more}>{schema(*covariates)}'
        f"<ParameterList>{parameters}</ParameterList><FactorList/><CovariateList>{predictors}</CovariateList>"
        f"<PPMatrix>{pp}</PPMatrix><ParamMatrix>{p}</ParamMatrix></GeneralRegressionModel>"
    )


def network(
    inputs: Sequence[str],
    layers: Sequence[tuple[Sequence[float], Sequence[Sequence[float]]]],
    activation: str,
    labels: Sequence[str] = (),
    last: str = "",
) -> str:
    """A dense network; a layer is its biases and one row of weights per neuron, ``last`` the last one's attributes."""
    before = [f"input {name}" for name in inputs]
    given = "".join(
        f'<NeuralInput id="input {name}"><DerivedField optype="continuous" dataType="double">'
        f'<FieldRef field="{name}"/></DerivedField></NeuralInput>'
        for name in inputs
    )
    text = ""
    for depth, (biases, rows) in enumerate(layers):
        ids = [f"{depth} {i}" for i in range(len(biases))]
        neurons = ""
        for name, bias, row in zip(ids, biases, rows, strict=True):
            cons = "".join(f'<Con from="{b}" weight="{w!r}"/>' for b, w in zip(before, row, strict=True))
            neurons += f'<Neuron id="{name}" bias="{bias!r}">{cons}</Neuron>'
        text += f"<NeuralLayer{f' {last}' if depth == len(layers) - 1 else ''}>{neurons}</NeuralLayer>"
        before = ids
    fields = [f'<NormDiscrete field="q" value="{label}"/>' for label in labels] or ['<FieldRef field="q"/>']
    kind = 'optype="categorical" dataType="integer"' if labels else 'optype="continuous" dataType="double"'
    outputs = "".join(
        f'<NeuralOutput outputNeuron="{name}"><DerivedField {kind}>{each}</DerivedField></NeuralOutput>'
        for name, each in zip(before, fields, strict=True)
    )
    return (
        f'<NeuralNetwork functionName="{"classification" if labels else "regression"}" '
        f'activationFunction="{activation}">{schema(*inputs)}<NeuralInputs>{given}</NeuralInputs>{text}'
        f"<NeuralOutputs>{outputs}</NeuralOutputs></NeuralNetwork>"
    )
