"""Writes the table of what survives into the README, from what the variants promise: ``make generate``."""

from pathlib import Path

from experiments.markdown import insert_table
from experiments.markdown import table as markdown
from experiments.variants import VARIANTS, variant
from serving.kernel import Variant

README = Path(__file__).parents[2] / "README.md"
MARKER = "survival table: make generate"
HEAD = (
    "variant",
    "where model and counters live",
    "killed",
    "and its disk wiped",
    "and the model topic emptied",
    "counters",
)


def table() -> str:
    """The table in Markdown, a row per variant."""
    return markdown(HEAD, [_row(variant(name)) for name in VARIANTS])


def with_table(readme: str) -> str:
    """The README's text with the table as it should be."""
    return insert_table(readme, MARKER, table())


def _row(variant: Variant) -> tuple[str, ...]:
    model, counters = variant.guarantees.model_survives, variant.guarantees.counters_survive
    cells = (
        (model.killed, counters.killed),
        (model.disk_wiped, counters.disk_wiped),
        (model.model_topic_emptied, counters.model_topic_emptied),
    )
    return (
        f"[`{variant.name}`]({variant.name}/README.md)",
        variant.state_lives_in,
        *(_cell(serves, lost=counters.killed and not counted) for serves, counted in cells),
        "exact" if counters.killed else "from zero",
    )


def _cell(serves: bool, *, lost: bool) -> str:
    return ("serves at once" if serves else "skips until the next model") + (", counters from zero" if lost else "")


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
