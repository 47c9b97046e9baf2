"""Grading by pytest: ``pytest exercises -k kv_2``; answers come from ``my_exercises/``, or from ``--answers``."""

import os
import traceback
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from exercises.answers import Answer
from exercises.catalogue import ROOT, find_exercise
from exercises.errors import AnswerUnusable, Unsolved
from exercises.grading import BROKER, MAX_SENTENCE, UNSOLVED, reject

_ANSWER = pytest.StashKey[Answer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the answers are."""
    parser.addoption("--answers", type=Path, default=ROOT / "my_exercises", help="the folder of the answers' files")


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> Answer:
    """The answer that this grader is for; an unsolved one has a failure of its own kind."""
    exercise = find_exercise(request.path.parent.name)
    root: Path = request.config.getoption("--answers")
    if not (root / exercise.file).exists():
        root = ROOT / "exercises"  # where a learner has no copy yet: the skeleton
    try:
        request.node.stash[_ANSWER] = found = _read(exercise, root)
    except (Unsolved, AnswerUnusable) as error:
        unusable = error
    else:
        return found
    if isinstance(unusable, Unsolved):
        request.node.add_report_section("setup", UNSOLVED, str(unusable))
    pytest.fail(str(unusable), pytrace=False)


_read = cache(Answer)


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker's address: the learner's tool keeps one; else one is started, and ends with these tests."""
    kept = os.environ.get(BROKER)
    if kept is not None:
        yield kept
        return
    from client.broker.embedded_kafka import EmbeddedKafka

    with EmbeddedKafka(port=None, data_dir=tmp_path_factory.mktemp("broker") / "kafka") as broker:
        yield broker.bootstrap_servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """A fixture loads the answer, and may call it; see ``pytest_runtest_call``."""
    return (yield from _telling_the_line(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """An error that the answer raises is told with the learner's line, and without a traceback."""
    return (yield from _telling_the_line(item))


def _telling_the_line(item: pytest.Item) -> Generator[None]:
    raised: Exception | None = None
    try:
        yield
    except Exception as error:
        if item.stash.get(_ANSWER, None) is None:
            raise
        raised = error
    if raised is not None:
        _reject_error(raised, item.stash[_ANSWER].file, _sentence(item.name))


def _reject_error(error: Exception, file: Path, demand: str) -> None:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:  # of a TaskGroup: what happened is in it
        error = error.exceptions[0]
    where = _learners_line(error, file)
    place = "after your code" if where is None else f"in your code, line {where.lineno}"
    reject(
        f"{type(error).__name__} {place}: {error}"[:MAX_SENTENCE].rstrip(),
        expected=demand,
        happened="the grader, or what it called, failed"
        if where is None
        else f"{file.name}, line {where.lineno}: {where.line}",
        means="the batch in flight fails here, and so would the server",
    )


def _learners_line(error: BaseException, file: Path) -> traceback.FrameSummary | None:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    if frames:
        return frames[-1]
    if isinstance(error, BaseExceptionGroup):
        found = (_learners_line(each, file) for each in error.exceptions)
        return next((each for each in found if each is not None), None)
    return None if error.__cause__ is None else _learners_line(error.__cause__, file)


def _sentence(test: str) -> str:
    """A test's name, which is a sentence, as one."""
    return test.removeprefix("test_").partition("[")[0].replace("_", " ")
