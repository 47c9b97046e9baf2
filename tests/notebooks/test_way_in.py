"""How one gets to the notebooks: each is on their page, in order and with its picture, and in the schedule."""

import re

from exercises.catalogue import ROOT, read_catalogue
from notebooks.kit.catalogue import HERE, names, source_of
from notebooks.kit.execution import read_source

PAGE = (HERE / "README.md").read_text("utf-8")
EXERCISE = re.compile(r"`([a-z]{2}-\d+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
SCHEDULE = (ROOT / "docs" / "schedule.md").read_text("utf-8")


def test_each_notebook_is_on_their_page_in_order_with_its_picture() -> None:
    assert re.findall(r"^\*\*\[\d+\. [^]]+\]\((\w+)\.ipynb\)\*\*: .+\.$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\[!\[[^]]+\]\(pictures/(\w+)\.png\)\]\(\w+\.ipynb\)$", PAGE, re.MULTILINE) == names()
    assert re.findall(r"^\*\*\[(\d+)", PAGE, re.MULTILINE) == [str(number) for number in range(1, len(names()) + 1)]


def test_the_page_names_the_exercises_with_which_each_goes_on_and_they_exist() -> None:
    following = re.findall(r"^Then the exercises? (.+)\.$", PAGE, re.MULTILINE)
    exercises = {exercise.name for exercise in read_catalogue()}
    for name, words in zip(names(), following, strict=True):
        cells = read_source(source_of(name), with_tries=False).cells
        texts = [text for cell in cells if cell.cell_type == "markdown" for text in cell.source.split("\n\n")]
        goes_on = next(text for text in reversed(texts) if EXERCISE.search(text))
        assert EXERCISE.findall(words) == EXERCISE.findall(goes_on), name
        assert set(EXERCISE.findall("".join(texts))) <= exercises, name


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
