"""Grading by pytest: ``pytest exercises -k kv_2``; answers come from ``my_exercises/``, or from ``--answers``."""

import gc
import os
import sys
import textwrap
import traceback
import warnings
from collections.abc import Generator, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog

from exercises.answers import Answer
from exercises.catalogue import ROOT, TASKS, find_exercise
from exercises.endless import interrupted
from exercises.errors import AnswerUnusable, ExerciseError, Unsolved
from exercises.grading import BROKER, MAX_SENTENCE, UNSOLVED, limit_s, reject

_ANSWER = pytest.StashKey[Answer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the answers are."""
    parser.addoption("--answers", type=Path, default=ROOT / "my_exercises", help="the folder of the answers' files")


def pytest_configure() -> None:
    """What the servers log goes to standard error: what the answer prints would drown in it."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@pytest.hookimpl(trylast=True)  # after -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """An answer that cannot be graded is one failure, in place of all tests of its grader."""
    verdicts: dict[Path, NotGraded | None] = {}
    for item in items:
        if item.path not in verdicts:
            verdicts[item.path] = _not_graded(config, item)
    left_out = [item for item in items if verdicts[item.path] is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if verdicts[item.path] is None] + [
            each for each in verdicts.values() if each
        ]


class NotGraded(pytest.Item):
    """Says that an exercise is not solved yet, or why its file is no answer."""

    def __init__(self, *, error: ExerciseError, **place: Any) -> None:
        super().__init__(**place)
        self._error = error

    def runtest(self) -> None:
        """Fail."""
        if isinstance(self._error, Unsolved):
            self.user_properties.append((UNSOLVED, str(self._error)))
        pytest.fail(str(self._error), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What a failure's heading says."""
        return self.path, None, f"{find_exercise(self.path.parent.name).name}: {self.name.replace('_', ' ')}"


def _not_graded(config: pytest.Config, item: pytest.Item) -> NotGraded | None:
    if item.path.parent.parent != TASKS:
        return None
    try:
        _answer(config, item.path)
    except (Unsolved, AnswerUnusable) as error:
        name = "not_solved_yet" if isinstance(error, Unsolved) else "no_answer"
        assert item.parent is not None
        made: NotGraded = NotGraded.from_parent(item.parent, name=name, error=error)
        return made
    return None


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> Answer:
    """The answer that this grader is for."""
    request.node.stash[_ANSWER] = found = _answer(request.config, request.path)
    return found


def _answer(config: pytest.Config, grader: Path) -> Answer:
    exercise = find_exercise(grader.parent.name)
    root: Path = config.getoption("--answers")
    if not (root / exercise.file).exists():
        root = ROOT / "exercises"  # where a learner has no copy yet: the skeleton
    return _read(exercise, root)


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
    if isinstance(item, NotGraded):
        yield
        return
    answer = _answer(item.config, item.path)
    told = ""
    sys.set_coroutine_origin_tracking_depth(1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.filterwarnings("always", "coroutine .* was never awaited", RuntimeWarning)
        try:
            with interrupted(answer, wait_s=0.75 * limit_s(answer.exercise)):
                yield
        except (Exception, BaseExceptionGroup, pytest.fail.Exception) as error:
            if item.stash.get(_ANSWER, None) is None:
                raise
            told = _told(error, item)
            _let_go(error)
            gc.collect()
    if item.stash.get(_ANSWER, None) is None:
        return
    line = _never_awaited(warned, item.stash[_ANSWER].file)
    if line and told:
        raise pytest.fail.Exception(
            f"{told}\n  noticed: line {line} makes a coroutine and never awaits it", pytrace=False
        )
    if told:
        raise pytest.fail.Exception(told, pytrace=False)
    if line:
        reject(
            f"Line {line} makes a coroutine and never awaits it.",
            expected="await, or a task",
            happened=f"{item.stash[_ANSWER].file.name}, line {line}: nothing of it ever runs",
            means="what it should do is missing, and no error says so",
        )


def _told(error: BaseException, item: pytest.Item) -> str:
    """What the learner is told of it: a grader's own words, or those for an error."""
    while isinstance(error, BaseExceptionGroup):  # of a TaskGroup: a grader's words are in it, or all that happened is
        rejection = error.subgroup(pytest.fail.Exception)
        if rejection is None and len(error.exceptions) > 1:
            break
        error = (rejection or error).exceptions[0]
    if isinstance(error, pytest.fail.Exception):
        return str(error)
    try:
        _reject_error(error, item.stash[_ANSWER], _sentence(item.name))
    except pytest.fail.Exception as told:
        return str(told)


def _let_go(error: BaseException) -> None:
    """Empty the frames that an error holds: a coroutine that is left in one of them tells of itself now."""
    waiting = [error]
    seen = set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        traceback.clear_frames(each.__traceback__)
        if isinstance(each, AttributeError):
            each.obj = None
        parts = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        waiting += [other for other in (each.__cause__, each.__context__, *parts) if other is not None]


def _never_awaited(warned: Sequence[warnings.WarningMessage], file: Path) -> int:
    """The line of the learner's file that made a coroutine in vain; 0: none did."""
    for warning in warned:
        origin = getattr(warning.source, "cr_origin", None)
        if origin and Path(origin[0][0]) == file:
            return int(origin[0][1])
    return 0


def _reject_error(error: BaseException, answer: Answer, demand: str) -> NoReturn:
    where = _learners_line(error, answer)
    if where is None:
        place, happened = "after your code", "the grader, or what it called, failed"
    else:
        file = "your code" if answer.is_learners(where.name) else answer.file.name
        place = f"in {file}, line {where.lineno}"
        happened = f"{answer.file.name}, line {where.lineno}: {where.line}"
    words = str(error).removeprefix(f"{type(error).__name__}: ")  # some begin with their own name
    reject(
        textwrap.shorten(f"{type(error).__name__} {place}: {words}", MAX_SENTENCE, placeholder=" ...").rstrip(": "),
        expected=demand,
        happened=happened,
        means="the batch in flight fails here, and so would the server",
    )


def _learners_line(error: BaseException, answer: Answer) -> traceback.FrameSummary | None:
    """The last line on the way to the error that the learner wrote; where there is none, the last one in the file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == answer.file]
    if frames:
        return next((frame for frame in reversed(frames) if answer.is_learners(frame.name)), frames[-1])
    if isinstance(error, BaseExceptionGroup):
        found = (_learners_line(each, answer) for each in error.exceptions)
        return next((each for each in found if each is not None), None)
    return None if error.__cause__ is None else _learners_line(error.__cause__, answer)


def _sentence(test: str) -> str:
    """A test's name, which is a sentence, as one."""
    return test.removeprefix("test_").partition("[")[0].replace("_", " ")
