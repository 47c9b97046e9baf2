"""``docs/scaling.md`` is what the measured pages say: each figure is in a computed table."""

import re

from experiments.sizing import with_tables
from tests.support.process import ROOT

PAGE = (ROOT / "docs" / "scaling.md").read_text("utf-8")


def test_the_tables_are_computed_from_the_pages_as_they_are() -> None:
    assert with_tables(PAGE, ROOT / "docs/experiments") == PAGE, "make generate"


def test_no_figure_is_outside_of_the_tables() -> None:
    prose = re.sub(r"^\|.*$|`[^`]+`|\]\([^)]*\)", "", PAGE, flags=re.MULTILINE)
    assert re.findall(r".*\d.*", prose) == []


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
