"""NeuralNetwork: dense layers, one matrix product each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.expressions import EXPRESSIONS, derived, interpolated, line_of
from model.formats.pmml.compiled.fields import Target, label_text
from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.answers import Answer, Classifier, Election
from model.formats.pmml.compiled.models.regression import shares_of, softmax
from model.formats.pmml.compiled.scope import Scope
from model.formats.pmml.compiled.values import INVALID, NUMBERS, Batch, Column, Expression, State, Type, marked
from model.formats.pmml.document import kind_of
from model.formats.pmml.reading import NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, text_of

Matrix = NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Matrix], Matrix]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "rectifier": lambda z: np.maximum(z, 0),
    "exponential": np.exp,
    "reciprocal": lambda z: 1 / z,
    "square": np.square,
    "Gauss": lambda z: np.exp(-(z**2)),
    "sine": np.sin,
    "cosine": np.cos,
    "Elliott": lambda z: z / (1 + np.abs(z)),
    "arctan": lambda z: 2 * np.arctan(z) / np.pi,
}
"""Source: PMML 4.4, "Neural Network", "activationFunction"."""

FUNCTIONS = ("activationFunction", "normalizationMethod")
OF_OTHER_ACTIVATIONS = frozenset({"threshold", "width", "altitude"})
"""What only the threshold's and the radial basis' functions look at."""


NORMALISATIONS: dict[str, Callable[[Matrix], Matrix]] = {
    "none": lambda z: z,
    "softmax": softmax,
    "simplemax": shares_of,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """Neurons of which each gets all outputs of the layer before."""

    weights: Matrix  # shape (inputs, neurons)
    biases: Matrix  # shape (neurons,)
    activation: Callable[[Matrix], Matrix]
    normalisation: Callable[[Matrix], Matrix]


@dataclass(frozen=True, slots=True)
class Network:
    """Layers one after the other; what comes out are the signals of some neurons of the last."""

    inputs: Columns
    places: list[int]  # an input's column
    layers: list[Layer]
    outputs: list[int]  # places in the last layer

    def __call__(self, batch: Batch) -> tuple[Matrix, State | None]:
        """The signals, shape (n, outputs)."""
        matrix, state = self.inputs.matrix(batch)
        signals: Any = matrix[:, self.places]
        for layer in self.layers:
            signals = layer.normalisation(layer.activation(signals @ layer.weights + layer.biases))
        signals = signals[:, self.outputs]
        return signals, marked(state, np.isnan(signals).any(axis=1), INVALID)


def network(element: Element, parts: Parts, scope: Scope, target: Target | None, floats: bool) -> Answer:
    """What a NeuralNetwork calculates; raises as ``compiler.compiled`` does."""
    if floats:
        raise NotCompilable("its NeuralNetwork has x-mathContext='float'")
    method = choice_of(element, "normalizationMethod", NORMALISATIONS.keys(), "none")
    activation = choice_of(element, "activationFunction", ACTIVATIONS.keys())
    inputs = Columns()
    ids = []
    places = []
    for _, each in opened(only(parts, "NeuralInputs"), {"numberOfInputs"}, {"NeuralInput"}):
        ids.append(text_of(each, "id"))
        given = derived(only(opened(each, {"id"}, {"DerivedField"}), "DerivedField"), scope)
        if given.type not in NUMBERS:
            raise NotCompilable(f"has a NeuralInput that is a {given.type}")
        places.append(inputs.place(given))
    layers = []
    elements = of_kind(parts, "NeuralLayer")
    for each in elements:
        layer, ids = _layer(each, ids, activation, method if each is elements[-1] else None)
        layers.append(layer)
    classifies = element.get("functionName") == "classification"
    outputs, fields = _outputs(only(parts, "NeuralOutputs"), ids, target, classifies)
    calculation = Network(inputs, places, layers, outputs)
    return _labels(calculation, fields, target) if classifies else _value(calculation, fields)


def _layer(element: Element, inputs: list[str], activation: str, method: str | None) -> tuple[Layer, list[str]]:
    """The layer and its neurons' ids; only the last one has a method of normalisation."""
    parts = opened(element, {"numberOfNeurons", *FUNCTIONS} | OF_OTHER_ACTIVATIONS, {"Neuron"})
    neurons = [each for _, each in parts]
    weights = [_weights(neuron, inputs) for neuron in neurons]
    biases = [number_of(neuron, "bias", 0.0) for neuron in neurons]
    activation = choice_of(element, "activationFunction", ACTIVATIONS.keys(), activation)
    methods = {"none"} if method is None else NORMALISATIONS.keys()
    normalisation = choice_of(element, "normalizationMethod", methods, method or "none")
    layer = Layer(np.array(weights).T, np.array(biases), ACTIVATIONS[activation], NORMALISATIONS[normalisation])
    return layer, [text_of(neuron, "id") for neuron in neurons]


def _weights(neuron: Element, inputs: list[str]) -> list[float]:
    weights = {}
    for _, connection in opened(neuron, {"id", "bias"}, {"Con"}):
        opened(connection, {"from", "weight"})
        weights[text_of(connection, "from")] = number_of(connection, "weight")
    # Nor is a matrix made that is larger than the document.
    if len(neuron) != len(inputs) or weights.keys() != set(inputs):
        raise NotCompilable("has a neuron that is not connected with each of the layer before, once")
    return [weights[name] for name in inputs]


def _outputs(
    element: Element, neurons: list[str], target: Target | None, classifies: bool
) -> tuple[list[int], list[Element]]:
    """The places of the neurons that are put out, and what they stand for."""
    places, fields = [], []
    for _, each in opened(element, {"numberOfOutputs"}, {"NeuralOutput"}):
        derived_field = only(opened(each, {"outputNeuron"}, {"DerivedField"}), "DerivedField")
        kinds = {"NormDiscrete"} if classifies else {"FieldRef", "NormContinuous"}
        ((_, field),) = opened(derived_field, {"name", "optype", "dataType", "displayName"}, kinds & EXPRESSIONS.keys())
        if target is None or field.get("field") != target.name:
            raise NotCompilable("has a NeuralOutput that is not its target's")
        places.append(neurons.index(choice_of(each, "outputNeuron", set(neurons))))
        fields.append(field)
    if not places or (len(places) > 1 and not classifies):
        raise NotCompilable("its NeuralOutputs are not one for each value that it gives")
    return places, fields


def _value(calculation: Network, fields: list[Element]) -> Expression:
    """The number; a NormContinuous is read from right to left."""
    reads_line = kind_of(fields[0]) == "NormContinuous"
    parts = opened(fields[0], {"field"}, {"LinearNorm"} if reads_line else frozenset())
    line = line_of(of_kind(parts, "LinearNorm")) if reads_line else None
    if line is not None and not (np.diff(line[1]) > 0).all():
        raise NotCompilable("has LinearNorms that do not go up from one to the next")

    def evaluate(batch: Batch) -> Column:
        signals, state = calculation(batch)
        values = signals[:, 0]
        return Column(values if line is None else interpolated(values, line[1], line[0]), state)

    return Expression(Type.DOUBLE, evaluate)


def _labels(calculation: Network, fields: list[Element], target: Target | None) -> Classifier:
    labels = []
    for field in fields:
        opened(field, {"field", "value"})
        labels.append(label_text(text_of(field, "value"), Type.STRING if target is None else target.type))
    if len(set(labels)) != len(labels) or (
        target is not None and target.labels and not set(labels) <= set(target.labels)
    ):
        raise NotCompilable("its NeuralOutputs are not one for each value that it gives")

    def elect(batch: Batch) -> Election:
        signals, state = calculation(batch)
        return Election(signals.argmax(axis=1), signals, state)

    return Classifier(tuple(labels), elect, probabilities=True)
