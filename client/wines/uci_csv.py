"""Real wines from a file in the format of the UCI Machine Learning Repository: ``;`` between the fields."""

import csv
import math
from pathlib import Path

import numpy as np

from client.wines.source import Wines
from model.errors import ServingError
from model.features import WINE

QUALITY = "quality"
NAMES = (*(feature.lower() for feature in WINE), QUALITY)
FORMAT = "expected UCI's format: 11 measurements, then perhaps the quality, separated by ';'"


class WineFileUnreadable(ServingError):
    """A file in which no wine can be found."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class WineLineRejected(ServingError):
    """A line that is no wine; the file is refused, because leaving out wines in silence would change the stream."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")


class CsvWines:
    """The wines of a file in their order, again from the first after the last. They do not drift."""

    def __init__(self, path: Path) -> None:
        """Read and check the whole file.

        Args:
            path: lines of 11 or 12 numbers in the order of UCI's file, or in any order under a header of their names.
        Raises:
            WineFileUnreadable: no such file, not a text, no wine in it, separated by something else.
            WineLineRejected: a line with a field too many or too few, or with something that is not a number.
        """
        wines = np.array(_read(path))
        self._features = wines[:, : len(WINE)]
        self._quality = wines[:, len(WINE)] if wines.shape[1] > len(WINE) else None
        self._next = 0

    def __len__(self) -> int:
        """How many wines the file has."""
        return len(self._features)

    def batch(self, n: int, hours: float = 0.0) -> Wines:  # noqa: ARG002 - what has been measured does not drift
        """The next n wines, cycling. See ``WineSource.batch``."""
        rows = np.arange(self._next, self._next + n) % len(self)
        self._next = (self._next + n) % len(self)
        return Wines(self._features[rows], None if self._quality is None else self._quality[rows])


def _read(path: Path) -> list[list[float]]:
    """The wines, each as numbers in ``WINE`` order, then its quality if the file has it."""
    lines = _lines(path)
    if not lines:
        raise WineFileUnreadable(path, f"is empty; {FORMAT}")
    number, first = lines[0]
    if any(_name(field) in NAMES for field in first):
        order = _order(path, number, first)
        lines = lines[1:]
    elif len(WINE) <= len(first) <= len(NAMES):
        order = list(range(len(first)))
    else:
        raise WineLineRejected(path, number, f"has {_fields(len(first))}; {FORMAT}")
    if not lines:
        raise WineFileUnreadable(path, "has a header and no wine; add lines of numbers below it")
    return [_wine(path, number, fields, order) for number, fields in lines]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The fields of each line that is not blank, with the line's number."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WineFileUnreadable(path, f"cannot be read ({error.strerror}); name an existing file") from None
    except UnicodeDecodeError:
        raise WineFileUnreadable(path, "is not a text in UTF-8; save it as CSV with ';' between the fields") from None
    if "," in text and ";" not in text:
        raise WineFileUnreadable(path, "is separated by ','; separate the fields by ';' as UCI's own file does")
    return [
        (number, _split(path, number, line)) for number, line in enumerate(text.splitlines(), start=1) if line.strip()
    ]


def _split(path: Path, line: int, text: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([text], delimiter=";", strict=True))]
    except csv.Error as error:
        raise WineLineRejected(path, line, f"cannot be split ({error}); check its quotes") from None


def _order(path: Path, line: int, header: list[str]) -> list[int]:
    """Where in the file's lines each name of ``NAMES`` is."""
    names = [_name(field) for field in header]
    wanted = [name for name in NAMES if name != QUALITY or name in names]
    if missing := [name for name in wanted if name not in names]:
        raise WineLineRejected(path, line, f"the header lacks {', '.join(missing)}; {FORMAT}")
    if surplus := [header[i] for i, name in enumerate(names) if name not in wanted or name in names[:i]]:
        raise WineLineRejected(path, line, f"the header has {', '.join(surplus)} too much; {FORMAT}")
    return [names.index(name) for name in wanted]


def _name(field: str) -> str:
    return field.replace(" ", "_").lower()


def _wine(path: Path, line: int, fields: list[str], order: list[int]) -> list[float]:
    if len(fields) != len(order):
        raise WineLineRejected(path, line, f"has {_fields(len(fields))} instead of {len(order)}; complete or delete it")
    for position, field in enumerate(fields, start=1):
        if not _is_number(field):
            remedy = "write a decimal point" if "," in field else "give a finite number or delete the line"
            raise WineLineRejected(path, line, f"field {position}, {field!r}, is not a number; {remedy}")
    return [float(fields[position]) for position in order]


def _is_number(field: str) -> bool:
    try:
        return math.isfinite(float(field))
    except ValueError:
        return False


def _fields(n: int) -> str:
    return "1 field" if n == 1 else f"{n} fields"
