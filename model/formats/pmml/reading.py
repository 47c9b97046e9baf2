"""Reading PMML strictly: anything that is not on a list is a reason not to compile the document."""

import math
import re
from collections.abc import Callable, Set
from typing import TypeAlias
from xml.etree.ElementTree import Element

from model.features import Features, Values
from model.formats.pmml.document import kind_of

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""What XML, Python and Java all read as the same number; "NaN", "1_0" and "1f" are none."""

INTEGER_TEXT = re.compile(r"[+-]?\d+", re.ASCII)

MODEL = frozenset({"functionName", "modelName", "algorithmName", "isScorable", "x-mathContext"})
"""Attributes that each model may have."""

SHOWN_CHARACTERS = 40  # of what a document says

Parts: TypeAlias = list[tuple[str, Element]]
"""An element's children, each with its kind: its tag without the namespace."""

Calculation: TypeAlias = Callable[[Features], Values]
"""Scores a batch of shape (n, 11) as shape (n,)."""


class NotCompilable(Exception):
    """This document may be a sound one, but what it means is not known here exactly; the text says what is in it."""


def opened(element: Element, attributes: Set[str], children: Set[str] = frozenset()) -> Parts:
    """The element's children, without Extensions: what they say is for the program that wrote them.

    Raises:
        NotCompilable: it has an attribute, or a child, that is not named here; a child of another namespace never is.
    """
    kind = kind_of(element)
    if not element.attrib.keys() <= attributes:
        raise NotCompilable(f"its {kind} has {shown(min(element.attrib.keys() - attributes))}")
    if not len(element):
        return []
    namespace = element.tag.removesuffix(kind)
    extension = f"{namespace}Extension"
    parts = [(child.tag.removeprefix(namespace), child) for child in element if child.tag != extension]
    for name, _ in parts:
        if name not in children:
            raise NotCompilable(f"its {kind} contains {shown(name.rpartition('}')[2])}")
    return parts


def of_kind(parts: Parts, kind: str) -> list[Element]:
    """The children of this kind."""
    return [child for name, child in parts if name == kind]


def only(parts: Parts, kind: str) -> Element:
    """The one child of this kind.

    Raises:
        NotCompilable: there is none, or several.
    """
    found = of_kind(parts, kind)
    if len(found) != 1:
        raise NotCompilable(f"has {len(found) or 'no'} {kind} in a place where one is known")
    return found[0]


def text_of(element: Element, name: str) -> str:
    """An attribute that must be there.

    Raises:
        ValueError: it is not.
    """
    text = element.get(name)
    if text is None:
        raise ValueError(f"has a {kind_of(element)} without {name}")
    return text


def number_of(element: Element, name: str, default: float | None = None) -> float:
    """An attribute that is a number.

    Raises:
        ValueError: it is no finite number, or it is not there and there is no default.
    """
    if default is not None and name not in element.attrib:
        return default
    text = text_of(element, name)
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"has a {kind_of(element)} with {name}={shown(text)!r}, which is no finite number")
    return value


def choice_of(element: Element, name: str, known: Set[str], default: str | None = None) -> str:
    """An attribute with one of the values known.

    Raises:
        NotCompilable: it has another one.
        ValueError: it is not there and there is no default.
    """
    value = text_of(element, name) if default is None else element.get(name, default)
    if value not in known:
        raise NotCompilable(f"its {kind_of(element)} has {name}={shown(value)!r}")
    return value


def shown(text: str) -> str:
    """The text, cut to a length that fits into an error."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
