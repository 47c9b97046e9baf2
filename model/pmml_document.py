"""What must be known of a PMML document before it is handed to Java: that it is safe, and that PMML4S gets it right."""

from xml.etree import ElementTree

AVERAGES = ("average", "weightedAverage")


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called before any entity is declared, so that none is ever expanded or fetched."""
        del pubid, system
        raise ValueError(f"has a <!DOCTYPE {name}>, which could name files or blow up; take it out")


def checked(content: bytes) -> str:
    """The document's text.

    Raises:
        ValueError: no PMML, not safe to parse, or of the kind that PMML4S is known to score wrongly.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not a text in UTF-8") from None
    # Java gets this text, not these bytes: no second reading of an encoding can find in it what was not seen here.
    parser = ElementTree.XMLParser(target=_Builder(), encoding="utf-8")  # noqa: S314 - attacks need the DOCTYPE
    try:
        parser.feed(text.encode())
        root = parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"is no well-formed XML: {error}") from None
    if _local(root) != "PMML":
        raise ValueError(f"is no PMML document: its root is <{_local(root)}>")
    for model in root.iter():
        if _local(model) == "MiningModel" and model.get("functionName") == "classification":
            _check_votes(model, _classes(root, model))
    return text


def _check_votes(model: ElementTree.Element, classes: list[str]) -> None:
    """PMML4S averages the trees' distributions by position, and a class that a leaf leaves out makes it lose count."""
    for segmentation in model.iter():
        if _local(segmentation) != "Segmentation" or segmentation.get("multipleModelMethod") not in AVERAGES:
            continue
        order: list[str] = []
        for node in segmentation.iter():
            if _local(node) != "Node":
                continue
            voted = [child.get("value", "") for child in node if _local(child) == "ScoreDistribution"]
            if not voted and any(_local(child) == "Node" for child in node):
                continue
            order = order or voted
            if voted != order or (classes and sorted(voted) != sorted(classes)):
                raise ValueError(
                    "averages trees whose leaves do not all list every class in the same order (ScoreDistribution), "
                    "which PMML4S scores wrongly; export it to ONNX"
                )


def _classes(root: ElementTree.Element, model: ElementTree.Element) -> list[str]:
    """The target's values in the data dictionary; empty where it does not list them."""
    targets = [
        field.get("name")
        for field in model.iter()
        if _local(field) == "MiningField" and field.get("usageType") in ("target", "predicted")
    ]
    for field in root.iter():
        if _local(field) == "DataField" and field.get("name") in targets[:1]:
            return [value.get("value", "") for value in field if _local(value) == "Value"]
    return []


def _local(element: ElementTree.Element) -> str:
    """The name without its namespace, which is another one in each version of PMML."""
    return element.tag.rpartition("}")[2]
