"""An answer as a module: the learner's file, its neighbours solved, its lines the learner's own."""

import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from exercises import answers
from exercises.answers import Answer
from exercises.catalogue import Exercise, find_exercise
from exercises.errors import AnswerUnusable, NoSuchExercise, Unsolved

SOLUTION = """def first(number: int) -> int:
    # exercise[aa-1]: add one
    return number + 1
    # end[aa-1]


def second(number: int) -> int:
    # exercise[aa-2]: double what the first says
    return 2 * first(number)
    # end[aa-2]
"""
UNSOLVED_1, UNSOLVED_2 = (f'raise NotImplementedError("exercise aa-{number}")' for number in (1, 2))


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """The exercise aa-2 of a project that has one file."""
    project = tmp_path / "project"
    (project / "package").mkdir(parents=True)
    (project / "package/numbers.py").write_text(SOLUTION)
    monkeypatch.setattr(answers, "ROOT", project)
    return replace(find_exercise("kc-1"), name="aa-2", file=Path("package/numbers.py"))


def written(root: Path, text: str) -> Path:
    (root / "package").mkdir(exist_ok=True)
    (root / "package/numbers.py").write_text(text)
    return root


def test_an_exercise_is_graded_while_its_neighbour_is_unsolved(second: Exercise, tmp_path: Path) -> None:
    text = SOLUTION.replace("return number + 1", UNSOLVED_1).replace("2 * first", "3 * first")
    assert Answer(second, written(tmp_path, text)).load().second(1) == 6


def test_a_wrong_neighbour_spoils_no_answer(second: Exercise, tmp_path: Path) -> None:
    text = SOLUTION.replace("return number + 1", "return None")
    assert Answer(second, written(tmp_path, text)).load().second(1) == 4


def test_what_a_learner_adds_outside_the_region_counts(second: Exercise, tmp_path: Path) -> None:
    text = "import math\n\n\ndef helper(number):\n    return math.factorial(number)\n\n\n"
    text += SOLUTION.replace("2 * first(number)", "helper(number)")
    assert Answer(second, written(tmp_path, text)).load().second(4) == 24


def test_the_skeleton_s_statement_makes_it_unsolved_even_within_other_code(second: Exercise, tmp_path: Path) -> None:
    hidden = f"try:\n        {UNSOLVED_2}\n    except NotImplementedError:\n        return 4"
    text = SOLUTION.replace("return 2 * first(number)", hidden)
    with pytest.raises(Unsolved, match="exercise aa-2 is not solved yet"):
        Answer(second, written(tmp_path, text))


def test_a_syntax_error_names_the_learner_s_line(second: Exercise, tmp_path: Path) -> None:
    text = SOLUTION.replace("return 2 * first(number)", "return 2 * first(number")
    with pytest.raises(AnswerUnusable, match=r"numbers\.py, line 9: SyntaxError: '\(' was never closed: return 2"):
        Answer(second, written(tmp_path, text))


@pytest.mark.parametrize("gone", ["    # exercise[aa-2]: double what the first says\n", "    # end[aa-2]\n"])
def test_a_marker_that_is_gone_is_told_with_the_remedy(second: Exercise, tmp_path: Path, gone: str) -> None:
    with pytest.raises(AnswerUnusable, match="reset"):
        Answer(second, written(tmp_path, SOLUTION.replace(gone, "")))


def test_an_error_s_lines_are_the_learner_s_though_a_neighbour_was_put_in(second: Exercise, tmp_path: Path) -> None:
    long = "\n".join(["number", *["    number += 1"] * 20, "    return number"])
    text = SOLUTION.replace("return number + 1", long).replace("2 * first(number)", "1 / 0")
    module = Answer(second, written(tmp_path, text)).load()
    with pytest.raises(ZeroDivisionError) as raised:
        module.second(1)
    line = traceback.extract_tb(raised.value.__traceback__)[-1].lineno
    assert line is not None
    assert text.splitlines()[line - 1].strip() == "return 1 / 0"


@pytest.mark.parametrize("written_as", ["kc-1", "KC-1", "kc_1", "kc1", " kc 1", "kc-01"])
def test_an_exercise_is_found_as_people_write_its_name(written_as: str) -> None:
    assert find_exercise(written_as).name == "kc-1"


def test_a_name_that_is_none_gets_the_nearest() -> None:
    with pytest.raises(NoSuchExercise, match=r"did you mean .*kc-1"):
        find_exercise("kc-11")
