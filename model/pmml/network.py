"""NeuralNetwork: dense layers, one matrix product each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from model.features import Features, Values
from model.pmml.fields import Fields
from model.pmml.reading import Calculation, NotCompilable, Parts, choice_of, number_of, of_kind, only, opened, text_of

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


def _softmax(z: Matrix) -> Matrix:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return shares


NORMALISATIONS: dict[str, Callable[[Matrix], Matrix]] = {
    "none": lambda z: z,
    "softmax": _softmax,
    "simplemax": lambda z: z / z.sum(axis=1, keepdims=True),
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
    """Layers one after the other; what comes out is a value, or one number per label."""

    columns: list[int]
    layers: list[Layer]
    outputs: list[int]  # places in the last layer
    labels: NDArray[np.float64] | None  # None: a regression

    def __call__(self, features: Features) -> Values:
        """See ``model.pmml.reading.Calculation``."""
        signals: Any = features[:, self.columns]
        for layer in self.layers:
            signals = layer.normalisation(layer.activation(signals @ layer.weights + layer.biases))
        signals = signals[:, self.outputs]
        values: Values = signals[:, 0] if self.labels is None else self.labels[signals.argmax(axis=1)]
        return np.where(np.isnan(signals).any(axis=1), np.nan, values)


def network(element: Element, parts: Parts, fields: Fields) -> Calculation:
    """What a NeuralNetwork calculates; raises as ``model.pmml.compiler.compiled`` does."""
    choice_of(element, "normalizationMethod", {"none"}, "none")
    activation = choice_of(element, "activationFunction", ACTIVATIONS.keys())
    ids, columns = [], []
    for _, each in opened(only(parts, "NeuralInputs"), {"numberOfInputs"}, {"NeuralInput"}):
        field = _field(each, "id", "FieldRef", {"field"})
        ids.append(text_of(each, "id"))
        columns.append(fields.column(field, "field"))
    layers = []
    elements = of_kind(parts, "NeuralLayer")
    for each in elements:
        layer, ids = _layer(each, ids, activation, ends=each is elements[-1])
        layers.append(layer)
    outputs, labels = _outputs(only(parts, "NeuralOutputs"), ids, fields, element.get("functionName") != "regression")
    return Network(columns, layers, outputs, labels)


def _layer(element: Element, inputs: list[str], activation: str, ends: bool) -> tuple[Layer, list[str]]:
    """The layer and its neurons' ids."""
    neurons = [each for _, each in opened(element, {"numberOfNeurons", *FUNCTIONS}, {"Neuron"})]
    weights = [_weights(neuron, inputs) for neuron in neurons]
    biases = [number_of(neuron, "bias", 0.0) for neuron in neurons]
    activation = choice_of(element, "activationFunction", ACTIVATIONS.keys(), activation)
    normalisation = choice_of(element, "normalizationMethod", NORMALISATIONS.keys() if ends else {"none"}, "none")
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
    element: Element, neurons: list[str], fields: Fields, classifies: bool
) -> tuple[list[int], NDArray[np.float64] | None]:
    places, labels = [], []
    for _, each in opened(element, {"numberOfOutputs"}, {"NeuralOutput"}):
        kind, attributes = ("NormDiscrete", {"field", "value"}) if classifies else ("FieldRef", {"field"})
        derived = _field(each, "outputNeuron", kind, attributes)
        choice_of(derived, "field", {fields.target})
        neuron = choice_of(each, "outputNeuron", set(neurons))
        places.append(neurons.index(neuron))
        if classifies:
            labels.append(fields.label(derived, "value"))
    if not places or (len(places) > 1 and not classifies) or len(set(labels)) != len(labels):
        raise NotCompilable("its NeuralOutputs are not one for each value that it gives")
    return places, np.array(labels) if classifies else None


def _field(element: Element, attribute: str, kind: str, attributes: set[str]) -> Element:
    """What stands in the DerivedField of an input or output."""
    derived = only(opened(element, {attribute}, {"DerivedField"}), "DerivedField")
    field = only(opened(derived, {"name", "optype", "dataType"}, {kind}), kind)
    opened(field, attributes)
    if kind == "FieldRef":
        choice_of(derived, "dataType", {"double"})
    return field
