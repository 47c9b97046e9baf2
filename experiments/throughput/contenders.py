"""Who is measured against whom: variants, their delivery modes, and the models that each of them scores with."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.variants import VARIANTS, variant

LIMIT = "experiments.pass_through"
YARDSTICK = "custom_stage"
FASTEST = "linear-onnx"
"""So fast that the measurement shows the server, not the model."""
FORMATS = ("forest-onnx", "linear-pmml", "forest-pmml", "network-tensorflow", FASTEST)
USUAL = ("forest-onnx", FASTEST)


@dataclass(frozen=True, slots=True)
class Contender:
    """A server with certain settings."""

    variant: str
    delivery: str
    models: Sequence[str]  # by name, as shipped; the fastest last

    @property
    def name(self) -> str:
        """What its topics begin with."""
        return f"{self.variant}-{self.delivery}"

    @property
    def flags(self) -> Sequence[str]:
        """Its settings; a variant without a choice has no such flag."""
        return ("--delivery", self.delivery) if len(variant(self.variant).guarantees.delivery) > 1 else ()


def contenders(variants: Sequence[str] = VARIANTS) -> Sequence[Contender]:
    """The limit, then each variant in each mode that it offers."""
    found = [Contender(LIMIT, "at-least-once", (FASTEST,))]
    for name in variants:
        for mode in variant(name).guarantees.delivery:
            formats = FORMATS if (name, mode) == (YARDSTICK, "at-least-once") else USUAL
            found.append(Contender(name, mode, formats))
    return found
