"""Documents that PMML4S is known to score wrongly, without a word."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from model.pmml.document import kind_of

AVERAGES = ("average", "weightedAverage")


def check(root: Element) -> None:
    """Refuse such documents.

    Raises:
        ValueError: the document is one of them; the text says what is in it.
    """
    for model in _of_kind(root, "MiningModel"):
        if model.get("functionName") == "classification":
            for segmentation in _of_kind(model, "Segmentation"):
                if segmentation.get("multipleModelMethod") in AVERAGES:
                    _check_votes(segmentation, _labels(root, model))


def _check_votes(segmentation: Element, labels: list[str]) -> None:
    """PMML4S averages the trees' distributions by position, and a label that a leaf leaves out makes it lose count."""
    order: list[str] = []
    for node in _of_kind(segmentation, "Node"):
        voted = [each.get("value", "") for each in node if kind_of(each) == "ScoreDistribution"]
        if not voted and any(kind_of(each) == "Node" for each in node):
            continue
        order = order or voted
        if voted != order or (labels and sorted(voted) != sorted(labels)):
            raise ValueError(
                "averages trees whose leaves do not all list every class in the same order (ScoreDistribution), "
                "which PMML4S scores wrongly; export it to ONNX"
            )


def _labels(root: Element, model: Element) -> list[str]:
    """The target's values in the data dictionary; empty where it does not list them."""
    fields = _of_kind(model, "MiningField")
    targets = [field.get("name") for field in fields if field.get("usageType") in ("target", "predicted")]
    for field in _of_kind(root, "DataField"):
        if field.get("name") in targets[:1]:
            return [value.get("value", "") for value in field if kind_of(value) == "Value"]
    return []


def _of_kind(element: Element, kind: str) -> Iterator[Element]:
    return (each for each in element.iter() if kind_of(each) == kind)
