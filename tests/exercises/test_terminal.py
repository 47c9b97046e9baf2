"""The tool on a terminal: what is seen after each key, and the terminal afterwards."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from exercises.catalogue import find_exercise, read_catalogue
from tests.support.demo_process import alive
from tests.support.learner import KC_1, OFF_BY_ONE, OFF_BY_ONE_SAYS, RIGHT, Tool, save, text_of, workspace
from tests.support.process import eventually

FIRST = read_catalogue()[0].name
TOTAL = len(read_catalogue())


BLANK = 'raise NotImplementedError("exercise kc-1")'


def at_kc_1(home: Path) -> Path:
    """The folder of somebody who works on kc-1 already."""
    workspace(home)
    (home / "progress.txt").write_text("kc-1 pending 2026-01-01T00:00:00.000+00:00\n")
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return at_kc_1(tmp_path / "mine")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """One tool for all tests that do not end it: to start it costs more than all they do with it."""
    with Tool(at_kc_1(tmp_path_factory.mktemp("shared") / "mine")) as tool:
        tool.wait_for("NOT SOLVED YET")
        yield tool


@pytest.fixture
def tool(shared: Tool) -> Tool:
    """It shows kc-1, as somebody finds it who has not begun."""
    shared.resize(80, 24)
    save(shared.home, BLANK)
    for keys, seen in (("\x1b\x1bl", "Enter open"), ("/kc-1", "search: kc-1")):  # from where the last test has left it
        shared.press(keys)
        shared.wait_for(seen)
    shared.press("\n")
    assert KC_1.title in shared.wait_for("NOT SOLVED YET", gone="Enter open")
    return shared


def test_the_first_run_says_what_is_there_and_where_to_start(tmp_path: Path) -> None:
    with Tool(tmp_path / "mine") as tool:
        seen = tool.wait_for(f"begins with {FIRST}")
        assert "Python 3." in seen
        assert "port 5500" in seen
        tool.press(" ")
        assert FIRST in tool.wait_for("NOT SOLVED YET")
        tool.press("q")
        assert tool.wait() == 0
        assert tool.is_given_back
    assert (tmp_path / "mine" / KC_1.file).exists()


def test_it_goes_on_where_the_learner_was(tool: Tool) -> None:
    assert KC_1.title in tool.screen()


def test_every_picture_fits_80_by_24(tool: Tool) -> None:
    for key, text in (("h", "Hint 1"), ("h", "Hint 2"), ("h", "Hint 3"), ("l", "Enter"), ("/kc", "search: kc")):
        tool.press(key)
        lines = tool.wait_for(text).split("\n")
        assert {len(line) for line in lines} == {80}, text
        assert lines[-1].strip(), "the keys are on the last line"


def test_the_path_is_a_link_to_the_file(tool: Tool) -> None:
    address = (tool.home / KC_1.file).as_uri()
    assert re.search(rf"\x1b\]8;[^;]*;{re.escape(address)}\x1b\\", tool.said)


def test_each_save_gets_its_verdict(tool: Tool) -> None:
    save(tool.home, text_of(OFF_BY_ONE))
    seen = tool.wait_for(OFF_BY_ONE_SAYS)
    assert re.search(r"expected: 4.*\n *happened: 3.*\non the stream: ", seen)
    save(tool.home, text_of(RIGHT))
    assert "What production does" in tool.wait_for(" PASSED ")
    assert "kc-1 passed" in (tool.home / "progress.txt").read_text()
    save(tool.home, text_of(OFF_BY_ONE))
    tool.wait_for(OFF_BY_ONE_SAYS)
    assert "kc-1 pending" in (tool.home / "progress.txt").read_text()


def test_a_typo_points_to_the_learners_line(tool: Tool) -> None:
    save(tool.home, "serving, scores = score_wines(self.serving, wines, self.next_offsets)\nreached = self.next_ofsets")
    line = (tool.home / KC_1.file).read_text().splitlines().index("        reached = self.next_ofsets") + 1
    seen = " ".join(tool.wait_for("AttributeError").split())
    assert f"line {line}" in seen
    save(tool.home, "serving, scores = (")
    assert f"line {line - 1}" in " ".join(tool.wait_for("SyntaxError").split())


def test_a_save_while_it_grades_is_not_lost(tool: Tool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    save(tool.home, f"open({str(pipe)!r}).read()")
    with pipe.open("w"):  # which returns when the answer has begun to read, and so is being graded
        save(tool.home, text_of(RIGHT))
        tool.wait_for(" PASSED ")


def test_an_answer_that_hangs_is_ended_with_all_that_it_has_started(tool: Tool, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    answer = f"""import os, subprocess
child = subprocess.Popen(["sleep", "1000"])
with open({str(pids)!r}, "w") as file:
    file.write(f"{{os.getpid()}} {{child.pid}}.")
child.wait()"""
    save(tool.home, answer)
    eventually(lambda: pids.exists() and pids.read_text().endswith("."), "the answer has begun")
    begun = {int(pid) for pid in pids.read_text().rstrip(".").split()}
    assert alive(begun) == begun
    save(tool.home, text_of(RIGHT))  # nobody waits until the limit is reached
    tool.wait_for(" PASSED ")
    eventually(lambda: alive(begun) == set(), "all of it has ended")


def test_hints_come_one_after_the_other_and_go(tool: Tool) -> None:
    for level in (1, 2, 3):
        tool.press("h")
        tool.wait_for(f"Hint {level} of 3")
    tool.press("h")
    tool.wait_for("Task", gone="Hint")


def test_what_does_not_fit_is_scrolled(tool: Tool) -> None:
    tool.resize(60, 12)
    assert "more lines: arrows, space" in tool.wait_for("↓")
    tool.press("\x1b[B")
    tool.wait_for("↑ 1 more line: ")
    tool.press("\x1b[F")
    tool.wait_for("↑", gone="↓")
    tool.press("\x1b[1~")  # of tmux, as the next
    tool.wait_for("↓", gone="↑")
    tool.press("\x1b[4~")
    tool.wait_for("↑", gone="↓")
    tool.resize(100, 50)
    tool.wait_for("Task", gone="↑")


def test_the_list_is_searched_filtered_and_jumped_from(tool: Tool) -> None:
    other = next(each for each in read_catalogue() if each.name != "kc-1")
    tool.press("l")
    assert other.title[:40] in tool.wait_for("/ ")
    tool.press("ff")
    tool.wait_for("nothing here fits")
    tool.press("f/")
    tool.press(other.name)
    tool.wait_for(f"search: {other.name}", gone=KC_1.title)
    tool.press("\r")
    tool.wait_for(other.title, gone="Enter open")
    assert f"{other.name} pending" in (tool.home / "progress.txt").read_text()


def test_a_reset_asks_first(tool: Tool) -> None:
    save(tool.home, text_of(OFF_BY_ONE))
    tool.wait_for(OFF_BY_ONE_SAYS)
    tool.press("x")
    tool.wait_for("y resets it")
    tool.press("n")
    tool.wait_for("reset", gone="y resets it")
    tool.press("x")
    tool.wait_for("y resets it")
    tool.press("y")
    tool.wait_for("NOT SOLVED YET")
    assert any("record.offset)" in path.read_text() for path in (tool.home / ".backup").rglob("*.py.*"))


def test_our_solution_is_shown_only_after_theirs_has_passed(tool: Tool) -> None:
    tool.press("s")
    tool.wait_for("when yours has passed", gone="+ reached")
    save(tool.home, text_of(RIGHT))
    tool.wait_for(" PASSED ")
    tool.press("s")
    assert "- reached = self.next_offsets.copy()" in tool.wait_for("+ reached = dict(self.next_offsets)")
    tool.press("l")
    tool.wait_for("Enter open")
    tool.press("l")
    tool.wait_for(" PASSED ")


def test_a_hint_is_gone_after_passing_and_can_be_seen_again(tool: Tool) -> None:
    tool.press("h")
    tool.wait_for("Hint 1 of 3")
    save(tool.home, text_of(RIGHT))
    tool.wait_for(" PASSED ", gone="Hint")
    tool.press("h")
    tool.wait_for("Hint 1 of 3")


def test_a_key_and_what_it_does_are_on_one_line(tool: Tool) -> None:
    for columns in range(30, 81, 5):
        tool.resize(columns, 24)
        seen = tool.wait_for("q quit")
        for told in ("n next", "c check all", "x reset"):
            assert told in seen


def test_next_goes_to_one_that_is_not_passed(tool: Tool) -> None:
    tool.press("n")
    tool.wait_for("NOT SOLVED YET", gone=KC_1.title)


def test_all_are_checked(tool: Tool) -> None:
    save(tool.home, text_of(RIGHT))
    tool.wait_for(" PASSED ")
    tool.press("c")
    tool.wait_for("any key")
    assert f"1 of {TOTAL} pass" in tool.screen()
    tool.press("\x1b")
    tool.wait_for(" PASSED ")


def test_a_save_of_another_exercise_is_told_and_one_key_goes_there(tmp_path: Path) -> None:
    home = at_kc_1(tmp_path / "mine")
    other = find_exercise("cs-1")
    with Tool(home) as tool:
        tool.wait_for("NOT SOLVED YET")
        save(home, "pass", other)
        assert "g go to cs-1" in tool.wait_for("you saved cs-1; this is kc-1")
        tool.press("h")
        tool.wait_for("Hint 1", gone="you saved")
        save(home, "return", other)
        tool.wait_for("you saved cs-1")
        tool.press("g")
        tool.wait_for("NOT RIGHT YET", gone="you saved")
        assert other.title in tool.screen()


@pytest.mark.parametrize("ending", ["q", "\x03", "SIGTERM", "crash"])
def test_the_terminal_is_given_back(home: Path, ending: str) -> None:
    if ending == "crash":  # where it cannot write its progress, say
        (home / "progress.txt").chmod(0o644)
    with Tool(home) as tool:
        tool.wait_for("NOT SOLVED YET")
        started = {child.pid for child in psutil.Process(tool.process.pid).children(recursive=True)}
        if ending == "SIGTERM":
            tool.send(signal.SIGTERM)
        elif ending == "crash":
            (home / "progress.txt").unlink()
            (home / "progress.txt").mkdir()
            tool.press("n")
        else:
            tool.press(ending)
        assert tool.wait() == (2 if ending == "crash" else 0)
        assert tool.is_given_back
        if ending == "crash":
            assert "error: " in tool.said.rsplit("\x1b[?1049l")[-1]
    assert started
    eventually(lambda: alive(started) == set(), "what it had started has ended")


def test_ctrl_z_gives_the_terminal_back_for_as_long_as_it_lasts(tool: Tool) -> None:
    tool.press("\x1a")
    eventually(lambda: psutil.Process(tool.process.pid).status() == psutil.STATUS_STOPPED, "it is stopped")
    tool.read(0.0)
    assert tool.is_given_back
    save(tool.home, text_of(RIGHT))
    tool.send(signal.SIGCONT)
    tool.wait_for(" PASSED ")


def test_the_editor_is_opened_at_the_answer(home: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with Tool(home, "--edit-cmd", f"sh -c 'echo $0 > {told}' {{file}}:{{line}}") as tool:
        tool.wait_for("NOT SOLVED YET")
        line = workspace(home).line(KC_1)
        eventually(lambda: told.exists() and told.read_text().strip() == f"{home / KC_1.file}:{line}", "it is opened")
        assert "edit" in tool.screen()
