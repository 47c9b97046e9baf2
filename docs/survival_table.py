"""Writes the table of what survives into the README, from what the variants promise: ``make generate``."""

import re
from importlib import import_module
from pathlib import Path

from serving.variant import Variant

README = Path(__file__).parents[1] / "README.md"
VARIANTS = ("custom_stage",)
HEAD = """\
| variant | where model and counters live | killed | and its disk wiped | and the model topic emptied | counters |
|---|---|---|---|---|---|
"""
TABLE = re.compile(r"(<!-- survival table[^>]*-->\n)(?:\|[^\n]*\n)*")


def table() -> str:
    """The table in Markdown, a row per variant."""
    variants: list[Variant] = [import_module(name).VARIANT for name in VARIANTS]
    return HEAD + "\n".join(map(_row, variants))


def with_table(readme: str) -> str:
    """The README's text with the table as it should be."""
    return TABLE.sub(lambda found: found[1] + table() + "\n", readme)


def _row(variant: Variant) -> str:
    model = variant.guarantees.model_survives
    serves = [
        "serves at once" if survives else "skips until the next model"
        for survives in (model.killed, model.disk_wiped, model.model_topic_emptied)
    ]
    counters = "exact" if variant.guarantees.counters_survive.killed else "from zero"
    return (
        f"| [`{variant.name}`]({variant.name}/README.md) | {' | '.join([variant.state_lives_in, *serves, counters])} |"
    )


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
