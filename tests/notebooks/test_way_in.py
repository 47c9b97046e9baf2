"""How one gets to the notebooks: each is on their page, in order and with its picture, and in the schedule."""

import re

from exercises.catalogue import ROOT, read_catalogue
from notebooks.kit.catalogue import HERE, names

PAGE = (HERE / "README.md").read_text("utf-8")
SCHEDULE = (ROOT / "docs" / "schedule.md").read_text("utf-8")


def test_each_notebook_is_on_their_page_in_order_with_its_picture() -> None:
    assert re.findall(r"^\*\*\[\d+\. [^]]+\]\((\w+)\.ipynb\)\*\*: .+\.$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\[!\[[^]]+\]\(pictures/(\w+)\.png\)\]\(\w+\.ipynb\)$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\*\*\[(\d+)", PAGE, re.MULTILINE) == [str(number) for number in range(1, len(names()) + 1)]


def test_each_fits_exercises_that_there_are() -> None:
    following = re.findall(r"^Then the exercises? (.+)\.$", PAGE, re.MULTILINE)
    assert len(following) == len(names())
    named = set(re.findall(r"`([a-z]{2}-\d+)`", PAGE))
    assert named
    assert named <= {exercise.name for exercise in read_catalogue()}


def test_each_has_a_slot_in_the_schedule() -> None:
    assert re.findall(r"^\| \[[^]]+\]\(\.\./notebooks/(\w+)\.ipynb\) \|", SCHEDULE, re.MULTILINE) == names()


def test_what_the_page_links_and_types_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE)
    assert [link for link in links if not (HERE / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", PAGE)) - targets == set()
    assert "](notebooks/README.md)" in (ROOT / "README.md").read_text("utf-8")
