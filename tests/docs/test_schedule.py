"""docs/schedule.md: what it tells a presenter to type and to give out exists."""

import re
from pathlib import Path

from exercises.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/schedule.md").read_text()
WORDS = re.findall(r"`([^`]+)`", PAGE)


def test_every_exercise_that_it_names_exists_and_fits_its_slot() -> None:
    named = [word for word in WORDS if re.fullmatch(r"[a-z]{2}-\d+", word)]
    minutes = {exercise.name: exercise.minutes for exercise in read_catalogue()}
    assert named
    assert not set(named) - set(minutes)
    assert all(minutes[name] <= 15 for name in named)


def test_the_first_exercises_of_each_slot_take_about_twenty_minutes() -> None:
    minutes = {exercise.name: exercise.minutes for exercise in read_catalogue()}
    slots = re.findall(r"^\| \d:\d\d \| \d\. [^|]+ \| (.+), and if time is left", PAGE, re.MULTILINE)
    assert len(slots) == 4
    taken = [sum(minutes[name] for name in re.findall(r"`([^`]+)`", first)) for first in slots]
    assert all(20 <= each <= 25 for each in taken), taken


def test_every_make_target_that_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {match[1] for word in WORDS if (match := re.match(r"make ([a-z-]+)", word))}
    assert named
    assert not named - targets


def test_every_file_that_it_links_or_names_exists() -> None:
    links = {str(ROOT / "docs" / link) for link in re.findall(r"\]\(([^)]+)\)", PAGE)}
    files = {str(ROOT / word) for words in WORDS for word in words.split() if word.endswith(".py") and "/" in word}
    assert links and files
    assert not [each for each in links | files if not Path(each).exists()]
