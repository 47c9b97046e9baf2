"""Which walkthroughs there are, in the order in which they are read."""

from pathlib import Path

from notebooks.kit.errors import NoSuchNotebook

ROOT = Path(__file__).parents[2]
HERE = ROOT / "notebooks"
ORDER = (
    "the_log",
    "model_on_a_stream",
    "streams_and_tables",
    "event_time",
    "back_pressure",
    "five_variants",
    "effectively_once",
    "event_sourcing",
    "choosing",
)


def names() -> list[str]:
    """Those whose source is there."""
    return [name for name in ORDER if source_of(name).exists()]


def chosen(wanted: list[str]) -> list[str]:
    """These, or all where none is named.

    Raises:
        NoSuchNotebook: one of the names is unknown.
    """
    known = names()
    for name in wanted:
        if name not in known:
            raise NoSuchNotebook(name, known)
    return wanted or known


def source_of(name: str) -> Path:
    """What a person writes."""
    return HERE / f"{name}.py"


def notebook_of(name: str) -> Path:
    """What is made of it."""
    return HERE / f"{name}.ipynb"


def picture_of(name: str) -> Path:
    """The first picture among its outputs."""
    return HERE / "pictures" / f"{name}.png"
