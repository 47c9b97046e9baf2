"""How one gets to the notebooks: each is on their page, in order and with its picture, and in the schedule."""

import re

from exercises.catalogue import ROOT, read_catalogue
from notebooks.kit.catalogue import HERE, names, source_of

PAGE = (HERE / "README.md").read_text("utf-8")
EXERCISE = re.compile(r"`([a-z]{2}-\d+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
SCHEDULE = (ROOT / "docs" / "schedule.md").read_text("utf-8")


def test_each_notebook_is_on_their_page_in_order_with_its_picture() -> None:
    assert re.findall(r"^\*\*\[\d+\. [^]]+\]\((\w+)\.ipynb\)\*\*: .+\.$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\[!\[[^]]+\]\(pictures/(\w+)\.png\)\]\(\w+\.ipynb\)$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\*\*\[(\d+)", PAGE, re.MULTILINE) == [str(number) for number in range(1, len(names()) + 1)]


def test_each_fits_exercises_that_there_are_and_that_it_names_itself() -> None:
    following = re.findall(r"^Then the exercises? (.+)\.$", PAGE, re.MULTILINE)
    exercises = {exercise.name for exercise in read_catalogue()}
    for name, words in zip(names(), following, strict=True):
        named = set(EXERCISE.findall(words))
        assert named
        assert named <= set(EXERCISE.findall(source_of(name).read_text("utf-8"))) <= exercises, name


def test_links_in_the_notebooks_lead_somewhere() -> None:
    links = [link for name in names() for link in LINK.findall(source_of(name).read_text("utf-8"))]
    assert links
    assert [link for link in links if not (HERE / link).exists()] == []


def test_each_has_a_slot_in_the_schedule() -> None:
    assert re.findall(r"^\| \[[^]]+\]\(\.\./notebooks/(\w+)\.ipynb\) \|", SCHEDULE, re.MULTILINE) == names()


def test_what_the_page_links_and_types_exists() -> None:
    links = LINK.findall(PAGE)
    assert [link for link in links if not (HERE / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", PAGE)) - targets == set()
    assert "](notebooks/README.md)" in (ROOT / "README.md").read_text("utf-8")
