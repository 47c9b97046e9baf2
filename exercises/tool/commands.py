"""What can be typed: ``python -m exercises``, alone for the learner's tool, or with a command.

Exit codes: 0 good, 1 not passed, 2 a mistake in what was typed, or something that is missing.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from client.terminal.stop_signals import interruptible
from exercises.catalogue import HINTS, Exercise, find_exercise, read_catalogue
from exercises.errors import ExerciseError
from exercises.grading import Graders, Verdict
from exercises.proofs import proofs_of, sentences
from exercises.tool.broker import KeptBroker
from exercises.tool.classroom import NoReport, class_lines, read_report, report_text
from exercises.tool.doctor import examine
from exercises.tool.editor import Editor
from exercises.tool.progress import Progress
from exercises.tool.session import Checking, Session
from exercises.tool.template import make_folder
from exercises.tool.words import count, listed, shortened, verdict_lines
from exercises.workspace import HOME, Workspace, write_atomically
from model.errors import ServingError

GOOD, NOT_PASSED, USAGE = 0, 1, 2


class ChecksAll(ExerciseError):
    """An exercise was named where all are graded."""

    def __init__(self, name: str) -> None:
        super().__init__(f"check grades all exercises; for one of them: python -m exercises run {name}")


class Desk:
    """A learner's files and progress, and what grades them."""

    def __init__(self, words: argparse.Namespace) -> None:
        """Bring the files up to date; ``words`` are those of the command line."""
        self.exercises = read_catalogue()
        home: Path = words.home
        self.workspace = Workspace(self.exercises, home)
        self.progress = Progress(self.exercises, home / "progress.txt")
        for note in self.workspace.update():
            _say(note)

    def close(self) -> None:
        """Tell what was noticed on the way."""
        for note in self.progress.notes:
            _say(note)


def _interactive(words: argparse.Namespace) -> int:
    from exercises.tool.lines import Lines
    from exercises.tool.terminal import Terminal, has_terminal

    exercises = read_catalogue()
    editor = Editor(words.edit_cmd)
    workspace = Workspace(exercises, words.home)
    session = Session(exercises, workspace, Progress(exercises, words.home / "progress.txt"))
    with KeptBroker() as broker:
        graders = Graders(broker.address)
        if has_terminal():
            Terminal(session, graders, editor).run()
        else:
            Lines(session, graders, editor).run()
    return GOOD


def _list(words: argparse.Namespace) -> int:
    desk = Desk(words)
    marks = desk.progress.marks()
    for line in listed(desk.exercises, marks):
        _say(line)
    _say(count(desk.exercises, marks))
    desk.close()
    return GOOD


def _run(words: argparse.Namespace) -> int:
    exercise = find_exercise(words.name)
    desk = Desk(words)
    desk.progress.open(exercise.name)
    with KeptBroker() as broker:
        verdict = Graders(broker.address).grade(exercise, desk.workspace.home)
    desk.progress.record({exercise.name: "passed" if verdict.status == "passed" else "pending"})
    for line in verdict_lines(verdict):
        _say(line)
    if verdict.status == "passed":
        _say("\nWhat production does\n" + exercise.production)
        difference = desk.workspace.difference(exercise)
        _say("\n" + ("Your answer is ours." if not difference else "From your answer (-) to ours (+)"))
        for line in difference:
            _say(line)
    desk.close()
    return GOOD if verdict.status == "passed" else NOT_PASSED


def _hint(words: argparse.Namespace) -> int:
    _say(find_exercise(words.name).hints[words.level - 1])
    return GOOD


def _reset(words: argparse.Namespace) -> int:
    chosen = read_catalogue() if words.all else [find_exercise(words.name)]
    desk = Desk(words)
    for exercise in chosen:
        desk.workspace.reset(exercise)
    desk.progress.forget({exercise.name for exercise in chosen})
    where = shortened(desk.workspace.home / ".backup")
    _say(f"reset: {', '.join(each.name for each in chosen)}; what you had written is in {where}/")
    desk.close()
    return GOOD


def _solve(words: argparse.Namespace) -> int:
    exercise = find_exercise(words.name)
    desk = Desk(words)
    desk.workspace.solve(exercise)
    file = shortened(desk.workspace.file(exercise))
    _say(
        f"{exercise.name}: our answer is in {file}; what was there is in {shortened(desk.workspace.home / '.backup')}/"
    )
    desk.close()
    return GOOD


def _check(words: argparse.Namespace) -> int:
    if words.name is not None:
        raise ChecksAll(words.name)
    desk = Desk(words)

    def tell(_: Exercise, verdict: Verdict) -> None:
        for line in verdict_lines(verdict)[:1] if verdict.status == "unsolved" else verdict_lines(verdict):
            _say(line)

    with KeptBroker() as broker:
        verdicts = Checking(Graders(broker.address), desk.workspace, desk.progress).run(tell)
    if words.json is not None:
        write_atomically(words.json, report_text(verdicts))
    _say(count(desk.exercises, desk.progress.marks()))
    desk.close()
    return GOOD if all(verdict.status == "passed" for verdict in verdicts) else NOT_PASSED


def _doctor(words: argparse.Namespace) -> int:
    findings = list(examine(words.home))
    for finding in findings:
        _say(finding.line)
    return NOT_PASSED if any(finding.state == "bad" for finding in findings) else GOOD


def _progress(words: argparse.Namespace) -> int:
    reports = []
    code = GOOD
    for file in words.files:
        try:
            reports.append(read_report(file))
        except NoReport as error:
            _complain(error)
            code = USAGE
    for line in class_lines(reports):
        _say(line)
    return code


def _new(words: argparse.Namespace) -> int:
    for line in make_folder(words.name):
        _say(line)
    return GOOD


def _verify(words: argparse.Namespace) -> int:
    exercise = find_exercise(words.name)
    faults = []
    with KeptBroker() as broker, tempfile.TemporaryDirectory() as directory:
        graders = Graders(broker.address)
        for proof in proofs_of(exercise):
            verdict = proof.given(graders, Path(directory))
            fault = proof.fault(verdict, sentences(exercise))
            faults += [fault] if fault else []
            _say(
                fault
                or f"{exercise.name} {proof.name}: {verdict.status}{f': {proof.sentence}' if proof.sentence else ''}"
            )
    for kind, least in (("wrong", 5), ("right", 2)):
        if len(exercise.answers(kind)) < least:
            faults.append(f"{kind}/ needs {least} answers or more")
            _say(faults[-1])
    _say(f"{exercise.name} is proven" if not faults else f"{exercise.name} is not proven")
    return NOT_PASSED if faults else GOOD


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "list": _list,
        "run": _run,
        "hint": _hint,
        "reset": _reset,
        "check": _check,
        "solve": _solve,
        "doctor": _doctor,
        "progress": _progress,
        "new": _new,
        "verify": _verify,
    }
)


def parser() -> argparse.ArgumentParser:
    """All that can be typed."""
    everything = argparse.ArgumentParser(
        "python -m exercises", description="Without a command: at work, with single keys."
    )
    everything.add_argument("--edit-cmd", metavar="CMD", help="open each exercise by it: 'code --goto {file}:{line}'")
    everything.add_argument("--home", type=Path, default=HOME, metavar="DIR", help="your files; default: my_exercises")
    commands = everything.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("list", help="all exercises, and which are passed")
    commands.add_parser("run", help="grade one").add_argument("name")
    hint = commands.add_parser("hint", help="a hint: 1 a question, 2 an approach, 3 almost the answer")
    hint.add_argument("name")
    hint.add_argument("level", type=int, nargs="?", default=1, choices=range(1, len(HINTS) + 1))
    which = commands.add_parser("reset", help="put one back to how you found it, or all").add_mutually_exclusive_group(
        required=True
    )
    which.add_argument("name", nargs="?")
    which.add_argument("--all", action="store_true")
    check = commands.add_parser("check", help="grade all")
    check.add_argument("name", nargs="?", help=argparse.SUPPRESS)  # what many type, and mean run
    check.add_argument("--json", type=Path, metavar="FILE", help="a report")
    commands.add_parser("solve", help="put our answer in").add_argument("name")
    commands.add_parser("doctor", help="what is missing here, and its remedy")
    commands.add_parser("progress", help="who is where").add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a report of check --json, named after its learner"
    )
    commands.add_parser("new", help="a folder for another exercise").add_argument("name")
    commands.add_parser("verify", help="prove an exercise's grader").add_argument("name")
    return everything


def main(arguments: Sequence[str]) -> int:
    """Do what the words say; the exit code."""
    words = parser().parse_args(arguments)
    words.home = words.home.absolute()
    code = GOOD if words.command is None else NOT_PASSED  # of what Ctrl-C ends
    try:
        with interruptible():
            code = COMMANDS.get(words.command, _interactive)(words)
    except (ExerciseError, ServingError) as error:
        _complain(error)
        return USAGE
    return code


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(error: Exception) -> None:
    sys.stdout.flush()
    print(f"error: {error}", file=sys.stderr, flush=True)
