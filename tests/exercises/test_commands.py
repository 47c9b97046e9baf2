"""What can be typed, where there is no terminal: what is said, and the exit codes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exercises.catalogue import ROOT, read_catalogue
from exercises.errors import ExerciseError
from exercises.tool import commands
from exercises.tool.classroom import class_lines, read_report
from exercises.tool.lines import KEYS
from exercises.tool.template import make_folder
from tests.support.learner import KC_1, OFF_BY_ONE, OFF_BY_ONE_SAYS, RIGHT, save, text_of, workspace

TOTAL = len(read_catalogue())
WIDE = ("CI", "BUILD_NUMBER", "COLUMNS")  # with one of these pytest may repeat each reason, whole, in its summary
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "mine"
    workspace(home)
    return home


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Type a command; its exit code, and what it says on standard output and standard error."""

    def ran(*words: str) -> tuple[int, str, str]:
        try:
            code = commands.main(["--home", str(home), *words])
        except SystemExit as ended:
            code = int(str(ended.code))
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def test_list_has_every_exercise_below_its_part(run: Ran) -> None:
    code, said, _ = run("list")
    assert code == 0
    lines = said.splitlines()
    for exercise in read_catalogue():
        assert any(exercise.name in line and exercise.title in line for line in lines)
        assert exercise.part in lines
    assert lines[-1] == f"0 of {TOTAL} passed"


def test_run_says_what_is_wrong_and_what_it_means(run: Ran, home: Path) -> None:
    save(home, text_of(OFF_BY_ONE))
    code, said, _ = run("run", "kc-1")
    assert code == 1
    head, *lines = said.splitlines()
    assert head.startswith("kc-1: not right yet")
    assert len(lines) <= 5
    assert lines[0].strip() == OFF_BY_ONE_SAYS
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["expected", "happened", "on the stream"]


def test_run_of_a_right_answer_says_what_production_does_and_how_ours_differs(run: Ran, home: Path) -> None:
    save(home, text_of(RIGHT))
    code, said, _ = run("run", "KC_1")
    assert code == 0
    assert KC_1.production in said
    assert "\n- reached = self.next_offsets.copy()\n" in said
    assert "\n+ reached = dict(self.next_offsets)\n" in said
    assert "✓ kc-1" in run("list")[1]


def test_a_name_that_there_is_not_is_one_line_with_the_nearest(run: Ran) -> None:
    for command in ("run", "hint", "reset", "solve", "verify"):
        code, said, error = run(command, "kc-11")
        assert (code, said) == (2, "")
        assert re.match(r"error: there is no exercise 'kc-11'; did you mean kc-1[,?]", error)
        assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["fly"], ["run"], ["hint", "kc-1", "4"], ["reset"], ["reset", "kc-1", "--all"]])
def test_what_cannot_be_is_exit_code_2(run: Ran, words: list[str]) -> None:
    code, said, error = run(*words)
    assert (code, said) == (2, "")
    assert "error: " in error


def test_a_check_of_one_is_told_how_to_run_it(run: Ran) -> None:
    code, said, error = run("check", "kc-1")
    assert (code, said) == (2, "")
    assert error == "error: check grades all exercises; for one of them: python -m exercises run kc-1\n"


def test_hints_have_three_levels(run: Ran) -> None:
    assert run("hint", "kc-1")[1].strip() == KC_1.hints[0]
    assert run("hint", "kc-1", "3")[1].strip() == KC_1.hints[2]


def test_solve_passes_and_a_reset_takes_it_back(run: Ran, home: Path) -> None:
    assert run("solve", "kc-1")[0] == 0
    assert "Your answer is ours." in run("run", "kc-1")[1]
    assert run("reset", "kc-1")[0] == 0
    assert run("run", "kc-1")[0] == 1
    save(home, text_of(RIGHT))
    assert run("reset", "--all")[0] == 0
    assert f"0 of {TOTAL} passed" in run("list")[1]
    assert any(text_of(RIGHT).splitlines()[1] in path.read_text() for path in (home / ".backup").rglob("*.py.*"))


def test_check_grades_all_and_its_report_shows_who_is_where(run: Ran, home: Path, tmp_path: Path) -> None:
    anna, berta = tmp_path / "anna.json", tmp_path / "berta.json"
    save(home, text_of(RIGHT))
    code, said, _ = run("check", "--json", str(anna))
    assert code == 1
    assert said.splitlines()[-1] == f"1 of {TOTAL} passed"
    assert {each["name"]: each["status"] for each in json.loads(anna.read_text())["exercises"]} == {
        each.name: "passed" if each.name == "kc-1" else "unsolved" for each in read_catalogue()
    }
    save(home, text_of(OFF_BY_ONE))
    assert run("check", "--json", str(berta))[0] == 1
    assert f"0 of {TOTAL} passed" in run("list")[1], "what fails again is pending again"
    code, said, _ = run("progress", str(berta), str(anna))
    assert code == 0
    first, second, *_ = said.splitlines()
    assert first.startswith(f"anna    1 of {TOTAL}")
    assert second == f"berta   0 of {TOTAL}  at kc-1: {OFF_BY_ONE_SAYS}"


def test_a_file_that_is_no_report_is_one_line(run: Ran, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    code, _, error = run("progress", str(tmp_path / "list.json"), str(tmp_path / "nothing.json"))
    assert code == 2
    assert error.count("error: ") == error.count("\n") == 2


def test_a_class_that_has_passed_all_is_said_to_have(tmp_path: Path) -> None:
    (tmp_path / "anna.json").write_text(
        json.dumps({"when": "", "exercises": [{"name": "kc-1", "status": "passed", "sentence": ""}]})
    )
    assert list(class_lines([read_report(tmp_path / "anna.json")])) == ["anna   1 of 1  all passed"]


def test_doctor_names_a_remedy_for_what_is_missing(run: Ran, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("doctor")[0] == 0
    monkeypatch.setenv("KAFKA_JARS_DIR", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "nonsense")
    code, said, _ = run("doctor")
    assert code == 1
    assert "python -m client.broker.aot" in said
    assert "must be host:port" in said


def test_a_damaged_progress_is_said_once_and_check_writes_it_anew(run: Ran, home: Path) -> None:
    save(home, text_of(RIGHT))
    (home / "progress.txt").write_bytes(b"\0\0\0")
    _, said, _ = run("check")
    assert said.count("was damaged") == 1
    assert f"1 of {TOTAL} passed" in run("list")[1]


def test_a_new_exercise_has_all_its_files_and_a_path_to_go(tmp_path: Path) -> None:
    lines = list(make_folder("zz-7", tmp_path))
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {
        "zz_7/task.md",
        "zz_7/test_zz_7.py",
        "zz_7/wrong/passes.py",
    }
    assert any("verify zz-7" in line for line in lines)
    with pytest.raises(ExerciseError, match="already"):
        list(make_folder("zz-7", tmp_path))
    with pytest.raises(ExerciseError, match="no name"):
        list(make_folder("Nonsense", tmp_path))


def test_verify_proves_an_exercise(run: Ran) -> None:
    code, said, _ = run("verify", "kc-1")
    assert code == 0
    assert said.splitlines()[-1] == "kc-1 is proven"


def typed(home: Path, lines: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "exercises", "--home", str(home)]
    return subprocess.run(words, cwd=ROOT, input=lines, capture_output=True, text=True, timeout=120)


def test_without_a_terminal_it_speaks_in_lines_and_ends_with_its_input(home: Path) -> None:
    (home / "progress.txt").write_text("kc-1 pending 2026-01-01T00:00:00.000+00:00\n")
    save(home, text_of(RIGHT))
    ended = typed(home, "h\nl\n")
    assert ended.returncode == 0, ended.stderr
    for text in (KC_1.task, KC_1.hints[0], "kc-1: passed", KC_1.production):
        assert text in ended.stdout
    assert "\x1b" not in ended.stdout


def test_in_lines_a_reset_asks_too(home: Path) -> None:
    (home / "progress.txt").write_text("kc-1 pending 2026-01-01T00:00:00.000+00:00\n")
    save(home, text_of(OFF_BY_ONE))
    before = (home / KC_1.file).read_text()
    assert "y or n" in typed(home, "x\nn\n").stdout
    assert (home / KC_1.file).read_text() == before
    typed(home, "x\ny\n")
    assert (home / KC_1.file).read_text() == (ROOT / "exercises" / KC_1.file).read_text()


def test_the_whole_program_is_started_by_its_name() -> None:
    ended = subprocess.run([sys.executable, "-m", "exercises", "list"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0
    assert "kc-1" in ended.stdout


def pytest_ended(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What a workshop's leader types."""
    command = [sys.executable, "-m", "pytest", "exercises", "--answers", str(home), *words]
    environment = {name: value for name, value in os.environ.items() if name not in WIDE}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_pytest_says_once_that_an_exercise_is_not_solved_yet(home: Path) -> None:
    ended = pytest_ended(home, "-k", "kc_1")
    assert ended.returncode == 1
    assert ended.stdout.count("exercise kc-1 is not solved yet: ") == 1
    assert ended.stdout.count("\nFAILED exercises/tasks/kc_1/test_kc_1.py::not_solved_yet") == 1
    assert "1 failed" in ended.stdout.splitlines()[-1]
    assert "ERROR" not in ended.stdout
    assert "passed" not in ended.stdout


def test_pytest_says_once_that_a_file_is_no_answer(home: Path) -> None:
    save(home, "reached = (")
    ended = pytest_ended(home, "-k", "kc_1")
    assert ended.returncode == 1
    assert ended.stdout.count("SyntaxError: '(' was never closed") == 1
    assert "1 failed" in ended.stdout.splitlines()[-1]


def test_pytest_grades_what_is_solved(home: Path) -> None:
    save(home, text_of(RIGHT))
    ended = pytest_ended(home, "-k", "kc_1")
    assert ended.returncode == 0
    assert re.search(r"^[0-9]+ passed, ", ended.stdout.splitlines()[-1])


def test_the_readme_names_every_command_and_no_other() -> None:
    readme = (ROOT / "exercises" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`python -m exercises ([a-z]+)", readme)) == set(commands.COMMANDS)
    assert set(re.findall(r"^\| `(.)` \|", readme, re.MULTILINE)) == set(KEYS)
