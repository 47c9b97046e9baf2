"""kill -9 at a hundred random moments: no solved exercise and no answer is lost."""

import random
import select
import subprocess
import sys
from pathlib import Path

import pytest

from exercises.catalogue import ROOT, read_catalogue
from exercises.tool.progress import Progress
from exercises.workspace import Workspace
from tests.support.learner import KC_1, RIGHT, save, text_of
from tests.support.process import eventually

KILLS = 100
STARTING_S, AT_WORK_S = 1.5, 0.5
KEYS = "x\ny\nn\n" * 100  # resets one exercise after the other
NEW = "# a line that the project had before\n"


class Learner:
    """Somebody with an answer that is other each time, on whose machine everything is killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files = Workspace(read_catalogue(), home)
        self.progress = Progress(read_catalogue(), home / "progress.txt")
        self.files.update()
        self.passed = {each.name for each in read_catalogue()[1::2]} - {KC_1.name}
        self.progress.record(dict.fromkeys(self.passed, "passed"))
        self.answer = ""
        self.attempts = 0

    def saves_an_answer(self) -> None:
        self.attempts += 1
        self.answer = f"# attempt {self.attempts}."
        save(self.home, f"{self.answer}\n{text_of(RIGHT)}")
        self.progress.open(KC_1.name)

    def finds_an_update(self) -> None:
        """All files are as if the project had had another line at their top when they were made: it is taken out."""
        for exercise in read_catalogue():
            for path in (self.home / exercise.file, self.home / ".base" / exercise.file):
                text = path.read_text(encoding="utf-8")
                path.write_text(text if text.startswith(NEW) else NEW + text, encoding="utf-8")

    def is_killed_while_working(self, after_s: float, is_at_work: bool) -> None:
        """``after_s`` counts from its start, or from its first line, when it begins to obey keys."""
        words = [sys.executable, "-m", "exercises", "--home", str(self.home)]
        said = self.home.with_name("said")
        with said.open("wb") as output:
            tool = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output)
        assert tool.stdin is not None
        tool.stdin.write(KEYS.encode())
        tool.stdin.flush()  # and it stays open: the tool goes on
        if is_at_work:
            eventually(lambda: said.stat().st_size > 0, "it is at work")
        select.select([], [], [], after_s)  # a random moment, and no synchronisation
        tool.kill()
        tool.wait()
        tool.stdin.close()

    def written(self) -> str:
        """All that is in the learner's files and their backups."""
        paths = [self.home / KC_1.file, *(self.home / ".backup").rglob(f"{KC_1.file.name}.*")]
        return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@pytest.mark.thorough
def test_killed_at_a_hundred_random_moments_it_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(2026)
    learner = Learner(tmp_path / "mine")
    resets = 0
    for number in range(KILLS):
        learner.saves_an_answer()
        learner.finds_an_update()
        is_at_work = number % 2 == 1
        learner.is_killed_while_working(chance.uniform(0.0, AT_WORK_S if is_at_work else STARTING_S), is_at_work)
        assert learner.answer in learner.written()
        marks = learner.progress.marks()
        assert learner.progress.notes == [], "no file is ever damaged"
        assert learner.passed <= {name for name, mark in marks.items() if mark.state == "passed"}
        resets += learner.answer not in (learner.home / KC_1.file).read_text(encoding="utf-8")
    assert resets, "some were killed only after they had overwritten an answer"
    assert learner.files.update() == []
    for exercise in read_catalogue():
        assert exercise.name in (learner.home / exercise.file).read_text(encoding="utf-8")
