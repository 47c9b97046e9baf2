"""The models of the experiment, and their cards: two good ones, and one whose export went wrong."""

from dataclasses import dataclass

import numpy as np
import onnx

from client.provider.shipped_models import shipped_model
from client.wines.source import GeneratedWines, Wines
from experiments.drift.events import ModelCard
from model.features import Values
from model.registry import load
from model.sources.content import sha256_of
from protobufs.model_descriptor_pb2 import ModelDescriptor

GOOD, BETTER = "linear-onnx", "boosting-onnx"
BAD, BAD_AGAIN = "linear-shifted", "linear-shifted-again"
SHIFT = 1.0
"""Points of quality that the bad model adds to every score."""
TRAINED_ON = "8,000 generated wines, seed 2009"  # data/models/README.md
HELD_OUT_SEED, HELD_OUT_WINES = 2010, 4000


@dataclass(frozen=True, slots=True)
class Version:
    """A model and its card."""

    descriptor: ModelDescriptor
    card: ModelCard

    @property
    def name(self) -> str:
        """Its name, which no other version has."""
        return self.descriptor.name

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return sha256_of(self.descriptor.data)


def shifted(linear: ModelDescriptor, name: str, points: float) -> ModelDescriptor:
    """A linear model in ONNX with so many points added to its intercept."""
    graph = onnx.load_from_string(linear.data)
    (intercepts,) = (each for each in graph.graph.node[0].attribute if each.name == "intercepts")
    intercepts.floats[0] += points
    changed = ModelDescriptor()
    changed.CopyFrom(linear)
    changed.name = name
    changed.data = graph.SerializeToString()
    return changed


def scores_of(model: ModelDescriptor, wines: Wines) -> Values:
    """What the model makes of the wines, shape (n,)."""
    loaded = load(model)
    try:
        return loaded.model.score(wines.features)
    finally:
        loaded.close()


def held_out_error(model: ModelDescriptor) -> float:
    """Its mean absolute error on wines that it was not trained on, in points of quality."""
    wines = GeneratedWines(HELD_OUT_SEED).batch(HELD_OUT_WINES)
    assert wines.quality is not None
    return float(np.abs(scores_of(model, wines) - wines.quality).mean())


def versions() -> dict[str, Version]:
    """By name. The bad ones' card is their parent's: their makers measured before the export, which went wrong."""
    good, better = shipped_model(GOOD), shipped_model(BETTER)
    found = [Version(good, _card(good, good)), Version(better, _card(better, better, GOOD))]
    found += [Version(bad := shifted(good, name, SHIFT), _card(bad, good, GOOD)) for name in (BAD, BAD_AGAIN)]
    return {each.name: each for each in found}


def _card(model: ModelDescriptor, measured: ModelDescriptor, parent: str | None = None) -> ModelCard:
    return ModelCard(
        description=model.description,
        format=ModelDescriptor.ModelType.Name(model.modeltype),
        size_bytes=len(model.data),
        trained_on=TRAINED_ON,
        held_out_error=round(held_out_error(measured), 3),
        parent=parent,
    )
