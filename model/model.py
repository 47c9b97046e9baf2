"""What a model is to a server: something that scores a batch, with a name, until it is closed."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from model.features import Features, Values

PmmlEngine: TypeAlias = Literal["auto", "jpmml"]
"""auto: compiled to numpy, else by PMML4S where that is proven, else refused; jpmml: all by JPMML's evaluator."""


class Model(Protocol):
    """A model ready to score; each format has its own class (``onnx_model``), or several (``pmml``)."""

    def score(self, features: Features) -> Values:
        """Score a batch.

        Args:
            features: shape (n, 11), float64, columns in ``model.features.WINE`` order, n >= 1.
        Returns:
            shape (n,), float64; NaN where the model has no answer for a record.
        Raises:
            ModelClosed: after ``close``.
        """
        ...

    def close(self) -> None:
        """Release what the model holds; called exactly once, after its last ``score`` has returned."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that can serve, with the names from its descriptor."""

    name: str
    description: str
    data_type: str
    model_type: str  # the name in ModelDescriptor.ModelType, such as "ONNX"
    model: Model

    @property
    def scored_by(self) -> str | None:
        """What scores it, in words, where the format alone does not tell: the model's own ``scored_by``."""
        return getattr(self.model, "scored_by", None)

    def close(self) -> None:
        """Release what the model holds; see ``Model.close``."""
        self.model.close()
