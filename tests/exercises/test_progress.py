"""The file of what is solved: nothing that was solved is forgotten."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exercises.catalogue import Exercise, find_exercise
from exercises.errors import WorkspaceUnusable
from exercises.tool.progress import HEAD, Progress, State

STATES: tuple[State, State] = ("passed", "pending")


def exercise(name: str, *formerly: str) -> Exercise:
    return replace(find_exercise("kc-1"), name=name, formerly=formerly)


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress([exercise("aa-1"), exercise("aa-2")], tmp_path / "progress.txt")


def states(progress: Progress) -> Mapping[str, State]:
    return {name: mark.state for name, mark in progress.marks().items()}


def test_it_is_text_that_people_can_read(progress: Progress) -> None:
    progress.record({"aa-2": "passed"})
    progress.open("aa-1")
    head, *lines = progress.file.read_text().splitlines()
    assert f"{head}\n" == HEAD
    assert [line.split()[:2] for line in lines] == [["aa-1", "pending"], ["aa-2", "passed"]]


def test_a_solved_exercise_that_fails_is_pending_again(progress: Progress) -> None:
    progress.record({"aa-1": "passed"})
    progress.record({"aa-1": "pending"})
    assert states(progress) == {"aa-1": "pending"}


def test_what_was_never_looked_at_has_no_mark(progress: Progress) -> None:
    progress.record({"aa-1": "pending", "aa-2": "passed"})
    assert states(progress) == {"aa-2": "passed"}


def test_lines_that_say_nothing_here_are_kept(progress: Progress) -> None:
    unknown = ["zz-9 passed 2026-01-01T00:00:00+00:00", "# my own note", "aa-1 admired yesterday"]
    progress.file.write_text("\n".join(unknown))
    progress.record({"aa-1": "passed"})
    assert set(unknown) <= set(progress.file.read_text().splitlines())
    assert states(progress) == {"aa-1": "passed"}


def test_an_exercise_that_is_there_again_is_still_solved(progress: Progress) -> None:
    progress.record({"aa-1": "passed", "aa-2": "passed"})
    Progress([exercise("aa-1")], progress.file).record({"aa-1": "pending"})
    assert states(progress) == {"aa-1": "pending", "aa-2": "passed"}


@pytest.mark.parametrize("damage", [b"\0" * 80, b"aa-1 passed \xff\xfe", b"aa-1 passed\x1b[2J"])
def test_a_damaged_file_is_set_aside_and_one_line_says_so(progress: Progress, damage: bytes) -> None:
    progress.file.write_bytes(damage)
    assert progress.marks() == {}
    (note,) = progress.notes
    assert "check" in note
    (aside,) = progress.file.parent.glob("progress.txt.damaged*")
    assert aside.read_bytes() == damage
    progress.record({"aa-1": "passed"})
    assert states(progress) == {"aa-1": "passed"}


def test_a_file_that_was_cut_off_keeps_what_is_whole(progress: Progress) -> None:
    progress.record({"aa-1": "passed", "aa-2": "passed"})
    progress.file.write_text(progress.file.read_text()[:-30])
    assert states(progress) == {"aa-1": "passed"}


def test_a_folder_in_its_place_is_one_line(progress: Progress) -> None:
    progress.file.mkdir()
    with pytest.raises(WorkspaceUnusable):
        progress.record({"aa-1": "passed"})


class Killed(BaseException):
    """The process ends here."""


class Learner(RuleBasedStateMachine):
    """A learner, the updates of the project, and kill -9 in the middle of a write.

    ``solved`` says what is solved by the identity of the exercise, which a new name does not change.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.file = Path(self.directory.name) / "progress.txt"
        self.names = {0: ["aa-1"], 1: ["aa-2"], 2: ["bb-1"]}  # by identity: all it has had, the last is today's
        self.here = {0, 1, 2}
        self.solved: dict[int, State] = {}
        self.fresh = 0
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def teardown(self) -> None:
        self.directory.cleanup()

    def progress(self) -> Progress:
        exercises = [exercise(self.names[each][-1], *self.names[each][:-1]) for each in sorted(self.here)]
        return Progress(exercises, self.file, self.time)

    def time(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    @precondition(lambda self: self.here)
    @rule(data=st.data(), state=st.sampled_from(STATES))
    def records(self, data: Any, state: State) -> None:
        each = data.draw(st.sampled_from(sorted(self.here)))
        self.progress().record({self.names[each][-1]: state})
        if state == "passed" or each in self.solved:
            self.solved[each] = state

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def opens(self, data: Any) -> None:
        each = data.draw(st.sampled_from(sorted(self.here)))
        self.progress().open(self.names[each][-1])
        self.solved.setdefault(each, "pending")

    @precondition(lambda self: self.here)
    @rule(data=st.data(), at=st.sampled_from(["fsync", "replace"]))
    def is_killed_while_it_records(self, data: Any, at: str) -> None:
        each = data.draw(st.sampled_from(sorted(self.here)))

        def die(*_: object) -> None:
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("os.fsync", die) if at == "fsync" else patch.setattr(Path, "replace", die)
            try:
                self.progress().record({self.names[each][-1]: "passed"})
            except Killed:
                return
        self.solved[each] = "passed"  # there was nothing to write

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def an_update_renames(self, data: Any) -> None:
        each = data.draw(st.sampled_from(sorted(self.here)))
        self.fresh += 1
        self.names[each] = [*self.names[each], f"new-{self.fresh}"]

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def an_update_removes(self, data: Any) -> None:
        self.here.discard(data.draw(st.sampled_from(sorted(self.here))))

    @rule()
    def an_update_adds(self) -> None:
        self.fresh += 1
        self.names[len(self.names)] = [f"new-{self.fresh}"]
        self.here.add(len(self.names) - 1)

    @rule()
    def an_update_brings_back_what_was_removed(self) -> None:
        self.here = set(self.names)

    @invariant()
    def what_is_here_is_as_it_was_left(self) -> None:
        expected = {self.names[each][-1]: state for each, state in self.solved.items() if each in self.here}
        assert states(self.progress()) == expected


TestLearner = Learner.TestCase
TestLearner.settings = settings(max_examples=40, stateful_step_count=25)
