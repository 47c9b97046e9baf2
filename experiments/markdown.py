"""Tables in Markdown, and where they go in a page."""

import re
from collections.abc import Iterable, Sequence

from experiments.errors import MarkerMissing


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
