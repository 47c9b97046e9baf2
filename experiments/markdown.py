"""Tables in Markdown: how they are made, where they go in a page, and how they are read again."""

import itertools
import re
from collections.abc import Iterable, Sequence

from experiments.errors import MarkerMissing, TableMissing


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The lines of a table, each ending in a newline; a head that ends in ``:`` has its column set to the right."""
    rule = ["---:" if name.endswith(":") else "---" for name in head]
    lines = ([name.removesuffix(":") for name in head], rule, *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def insert_table(page: str, marker: str, lines: str) -> str:
    """The page with these lines below its comment ``<!-- marker ... -->``, in place of the table that stands there.

    Raises:
        MarkerMissing: it has no such comment.
    """
    place = re.compile(rf"(<!-- {re.escape(marker)} -->\n)(?:\|[^\n]*\n)*")
    if place.search(page) is None:
        raise MarkerMissing(marker)
    return place.sub(lambda found: found[1] + lines, page)


def table_rows(page: str, head: Sequence[str]) -> list[dict[str, str]]:
    """The rows of the page's table with this head, each cell by its column's name: what ``table`` was given.

    Raises:
        TableMissing: it has no such table.
    """
    names = [name.removesuffix(":") for name in head]
    lines, first = page.splitlines(), f"| {' | '.join(names)} |"
    if first not in lines:
        raise TableMissing(names)
    below = lines[lines.index(first) + 2 :]  # head and rule
    rows = itertools.takewhile(lambda line: line.startswith("|"), below)
    return [dict(zip(names, row[2:-2].split(" | "), strict=True)) for row in rows]
