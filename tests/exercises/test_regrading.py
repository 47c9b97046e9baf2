"""A verdict at every save, also where the file system does not say that there was one."""

import os
import queue
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from exercises.catalogue import ROOT, Exercise, find_exercise
from exercises.grading import Graders, Grading, Verdict
from exercises.tool.regrading import Regrading
from exercises.workspace import Workspace
from model.errors import ServingError
from tests.support.learner import KC_1, OFF_BY_ONE, RIGHT, save, text_of, workspace
from tests.support.process import eventually

LIMIT_S = 30.0
CS_1, ST_1 = find_exercise("cs-1"), find_exercise("st-1")


class Listener:
    """Who is told."""

    def __init__(self, files: Workspace) -> None:
        self.files = files
        self.verdicts: queue.Queue[Verdict] = queue.Queue()
        self.errors: queue.Queue[Exception] = queue.Queue()
        self.others: queue.Queue[Exercise] = queue.Queue()
        self.regrading = Regrading(
            Graders(),
            files,
            lambda _: None,
            lambda _, verdict: self.verdicts.put(verdict),
            self.errors.put,
            self.others.put,
        )

    def next(self) -> str:
        return self.verdicts.get(timeout=LIMIT_S).status


@pytest.fixture
def files(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "mine")


@pytest.fixture
def listener(files: Workspace) -> Iterator[Listener]:
    listener = Listener(files)
    with listener.regrading:
        yield listener


@pytest.fixture
def no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(*_: object, **__: object) -> Any:
        raise RuntimeError("no inotify here")

    monkeypatch.setattr("watchfiles.watch", watch)


def test_it_grades_at_once_and_at_every_save(listener: Listener, files: Workspace) -> None:
    listener.regrading.watch(KC_1)
    assert listener.next() == "unsolved"
    save(files.home, text_of(OFF_BY_ONE))
    assert listener.next() == "failed"
    save(files.home, text_of(RIGHT))
    assert listener.next() == "passed"
    listener.regrading.again()
    assert listener.next() == "passed"
    assert not listener.regrading.are_events_missing


def test_a_save_of_another_exercise_s_answer_is_told(tmp_path: Path) -> None:
    listener = Listener(workspace(tmp_path / "mine", KC_1, ST_1, CS_1))
    with listener.regrading:
        listener.regrading.watch(KC_1)
        assert listener.next() == "unsolved"
        save(listener.files.home, "pass", CS_1)
        assert listener.others.get(timeout=LIMIT_S) is CS_1
        save(listener.files.home, text_of(RIGHT))
        assert listener.next() == "passed"
        save(listener.files.home, "pass", ST_1)
        assert listener.others.get(timeout=LIMIT_S) is ST_1
        assert listener.others.empty(), "the watched one is no other"


def test_without_events_a_save_is_seen_too_and_that_is_said(
    no_events: None, listener: Listener, files: Workspace
) -> None:
    listener.regrading.watch(KC_1)
    assert listener.next() == "unsolved"
    save(files.home, text_of(RIGHT))
    assert listener.next() == "passed"
    eventually(lambda: listener.regrading.are_events_missing, "it is said")


def test_a_verdict_on_what_was_there_before_is_never_told(
    no_events: None, listener: Listener, files: Workspace, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    save(files.home, f"open({str(pipe)!r}).read()\nraise ValueError('too late')")
    listener.regrading.watch(KC_1)
    with pipe.open("w"):  # it is being graded, and goes on when this block ends
        save(files.home, text_of(RIGHT))
    assert listener.next() == "passed"
    assert listener.verdicts.empty()


def test_a_grading_of_what_is_no_longer_there_is_ended(
    listener: Listener, files: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exercises.tool.regrading.limit_s", lambda _: 10 * LIMIT_S)  # nothing else ends it
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    save(files.home, f"open({str(pipe)!r}).read()")
    listener.regrading.watch(KC_1)
    with pipe.open("w"):  # as long as this is open the answer waits
        save(files.home, text_of(RIGHT))
        assert listener.next() == "passed"


def test_another_exercise_is_graded_instead(listener: Listener, files: Workspace, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    save(files.home, f"open({str(pipe)!r}).read()")
    listener.regrading.watch(KC_1)
    with pipe.open("w"):
        listener.regrading.watch(None)
        save(files.home, text_of(RIGHT))
        listener.regrading.watch(KC_1)
        assert listener.next() == "passed"


def test_a_missing_broker_is_told_and_the_next_save_is_graded(
    listener: Listener, files: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Graders.begin

    def no_broker(*_: object) -> Grading:
        raise ServingError("there is no broker")

    save(files.home, text_of(OFF_BY_ONE))
    monkeypatch.setattr(Graders, "begin", no_broker)
    listener.regrading.watch(KC_1)
    assert "no broker" in str(listener.errors.get(timeout=LIMIT_S))
    monkeypatch.setattr(Graders, "begin", begin)
    save(files.home, text_of(RIGHT))
    assert listener.next() == "passed"


def test_an_answer_that_never_ends_is_ended_after_the_limit(files: Workspace) -> None:
    save(files.home, "import threading\nthreading.Event().wait()")
    verdict = Graders().grade(KC_1, files.home, timeout_s=1.0)
    assert verdict.status == "hung"
    assert "within 1 s" in verdict.message


def test_what_the_answer_prints_is_told_and_not_what_is_logged(files: Workspace) -> None:
    save(files.home, "import structlog\nstructlog.get_logger().info('logged')\nprint('printed')\nraise ValueError")
    assert Graders().grade(KC_1, files.home).printed == "printed\n"


def test_a_long_error_is_cut_at_a_word_and_that_is_seen(files: Workspace) -> None:
    save(files.home, f"raise ValueError({'offset ' * 40!r})")
    sentence = Graders().grade(KC_1, files.home).message.splitlines()[0]
    assert sentence.startswith("ValueError in your code")
    assert sentence.endswith(" offset ...")
    assert len(sentence) <= 100


def test_a_grading_can_be_cancelled_as_soon_as_it_has_begun(files: Workspace) -> None:
    save(files.home, "import threading\nthreading.Event().wait()")
    grading = Graders().begin(KC_1, files.home)
    grading.cancel()
    assert grading.verdict(LIMIT_S).status == "ended"
    grading.cancel()  # harmless


def test_a_grading_shares_no_directory_with_another_one(tmp_path: Path) -> None:
    """The usual one is cleaned up by each run of pytest that ends, and the second of two runs fails."""
    environment = {"PYTEST_DEBUG_TEMPROOT": str(tmp_path)}
    grading = Grading(get_context("forkserver"), find_exercise("ac-1"), ROOT, environment)
    assert grading.verdict(LIMIT_S).status == "passed"
    assert list(tmp_path.iterdir()) == []
