"""docs/experiments/mutants.md: strict enough, complete, and with a reason for each mutant that passes."""

import re

from exercises.catalogue import ROOT, read_catalogue

PAGE = (ROOT / "docs/experiments/mutants.md").read_text(encoding="utf-8")


def test_at_least_95_percent_of_the_mutants_are_rejected() -> None:
    rows = re.findall(r"^\| `[a-z]+-\d+` \| (\d+) \| (\d+) \|$", PAGE, flags=re.MULTILINE)
    mutants, rejected = (sum(map(int, column)) for column in zip(*rows, strict=True))
    assert rejected >= 0.95 * mutants


def test_every_exercise_is_on_the_page() -> None:
    assert set(re.findall(r"^\| `([a-z]+-\d+)` \|", PAGE, flags=re.MULTILINE)) == {
        exercise.name for exercise in read_catalogue()
    }


def test_every_mutant_that_passes_has_its_reason() -> None:
    survivors = PAGE.partition("## Those that pass, and why")[2].strip().splitlines()
    assert survivors
    assert not [line for line in survivors if "none yet" in line]
