"""What must be known of a PMML document before anything reads on in it: that it is one, and safe."""

from dataclasses import dataclass
from xml.etree import ElementTree

PIECE_CHARACTERS = 65_536  # a few ms each; other threads score meanwhile


@dataclass(frozen=True, slots=True)
class Document:
    """A PMML document."""

    text: str
    root: ElementTree.Element


class _Builder(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called before any entity is declared, so that none is ever expanded or fetched."""
        del pubid, system
        raise ValueError(f"has a <!DOCTYPE {name}>, which could name files or blow up; take it out")


def checked(content: bytes) -> Document:
    """The document in these bytes.

    Raises:
        ValueError: no PMML, or not safe to parse.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is not a text in UTF-8") from None
    # Java gets this text, not these bytes: no second reading of an encoding can find in it what was not seen here.
    parser = ElementTree.XMLParser(target=_Builder(), encoding="utf-8")  # noqa: S314 - attacks need the DOCTYPE
    try:
        for start in range(0, len(text), PIECE_CHARACTERS):
            parser.feed(text[start : start + PIECE_CHARACTERS].encode())
        root = parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"is no well-formed XML: {error}") from None
    if kind_of(root) != "PMML":
        raise ValueError(f"is no PMML document: its root is <{kind_of(root)}>")
    return Document(text, root)


def kind_of(element: ElementTree.Element) -> str:
    """The tag without its namespace, which is another one in each version of PMML."""
    return element.tag.rpartition("}")[2]
