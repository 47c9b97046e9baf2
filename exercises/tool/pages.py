"""What each page of the terminal shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from exercises.catalogue import HINTS, Exercise
from exercises.grading import Status, Verdict
from exercises.tool.doctor import Finding
from exercises.tool.listing import Listing
from exercises.tool.progress import Mark
from exercises.tool.session import Session, is_passed
from exercises.tool.words import HEADS, count, message_lines, printed_lines, shortened, sign

ACCENT = "cyan"
BADGES: Mapping[Status, str] = MappingProxyType(
    {
        "passed": "bold black on green",
        "unsolved": "bold black on yellow",
        "failed": "bold white on red",
        "hung": "bold white on red",
        "ended": "bold white on red",
    }
)
SIGN_STYLES = MappingProxyType({"✓": "green", "·": "yellow", " ": ""})
FINDING_STYLES = MappingProxyType({"good": "green", "note": "yellow", "bad": "bold red"})
BAR = 10
Keys = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class KeyLines:
    """Keys and what they do, on as many lines as they need; no line ends between the two."""

    keys: Keys

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text()
        for key, what in self.keys:
            told = Text.assemble((key, f"bold {ACCENT}"), f" {what}")
            if line and line.cell_len + 2 + told.cell_len > options.max_width:
                yield line
                line = Text()
            line.append("  " if line else "").append_text(told)
        yield line


def head(session: Session, is_grading: bool) -> RenderableType:
    """The exercise, and how far the learner is."""
    exercise, workspace = session.exercise, session.workspace
    file = workspace.file(exercise)
    state = Text("grading …", "bold yellow") if is_grading else _bar(session)
    place = Text(f"{exercise.minutes} min · {exercise.part}", "dim")
    return Group(
        _row(Text(f"{exercise.name}  {exercise.title}", f"bold {ACCENT}"), state),
        _row(link(file, workspace.line(exercise)), place, is_left_whole=True),
    )


def link(file: Path, line: int) -> Text:
    """A path to click on."""
    return Text(f"{shortened(file)}:{line}", Style(underline=True, link=f"{file.absolute().as_uri()}"))


def exercise_body(session: Session) -> RenderableType:
    """What became of the answer, a hint, and the task."""
    exercise = session.exercise
    parts = list[RenderableType]()
    if session.verdict is not None:
        parts += [verdict_block(session.verdict, session), Text()]
    if session.hint:
        parts += [_title(f"Hint {session.hint} of {len(HINTS)}"), _prose(exercise.hints[session.hint - 1]), Text()]
    if session.has_passed:
        parts += [_title("What production does"), _prose(exercise.production), Text()]
    return Group(*parts, _title("Task"), _prose(exercise.task))


def verdict_block(verdict: Verdict, session: Session) -> RenderableType:
    """What was expected, what happened, what it means."""
    told = Text()
    told.append(f" {HEADS[verdict.status].upper()} ", BADGES[verdict.status])
    if verdict.status == "passed":
        told.append(f"  {count(session.exercises, session.marks)}")
        return told
    lines = message_lines(verdict)
    if verdict.status == "unsolved":
        told.append(
            f"  fill in line {session.workspace.line(session.exercise)} of {session.exercise.file.name}, and save it"
        )
        return told
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines[1:]:
        lead, colon, text = line.strip().partition(": ")
        grid.add_row(Text(f"{lead}:" if colon else "", "dim"), Text(text if colon else line.strip()))
    for number, line in enumerate(printed_lines(verdict)):
        grid.add_row(Text("" if number else "it printed:", "dim"), Text(line))
    return Group(told, Text(lines[0] if lines else "", "bold"), grid)


def difference_body(session: Session) -> RenderableType:
    """From the learner's answer to the solution's."""
    lines = session.workspace.difference(session.exercise)
    if not lines:
        return Text("Your answer is ours, letter by letter.")
    styles = {"-": "red", "+": "green", " ": "dim"}
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text(line[0], styles[line[0]]), Text(line[2:], styles[line[0]]))
    return Group(Text("From your answer (-) to ours (+); both pass."), Text(), grid)


def list_body(listing: Listing, marks: Mapping[str, Mark]) -> RenderableType:
    """The exercises that are searched for, below their parts; a line each."""
    lines = []
    for entry in listing.lines():
        if isinstance(entry, str):
            lines.append(Text(entry, "bold", no_wrap=True, overflow="ellipsis"))
            continue
        told = sign(marks.get(entry.name))
        chosen = entry is listing.chosen
        line = Text(" ▸ " if chosen else "   ", no_wrap=True, overflow="ellipsis")
        line.append(told, SIGN_STYLES[told])
        line.append(f" {entry.name:5} {entry.minutes:2} min  {entry.title}")
        if chosen:
            line.stylize("bold reverse")
        lines.append(line)
    return Group(*lines) if lines else Text("nothing here fits")


def check_body(graded: Sequence[tuple[Exercise, Verdict]], total: int, is_over: bool) -> RenderableType:
    """The verdicts so far."""
    lines = []
    for exercise, verdict in graded:
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("✓ " if verdict.status == "passed" else "✗ ", "green" if verdict.status == "passed" else "red")
        line.append(f"{exercise.name:5} ")
        said = exercise.title if verdict.status == "passed" else HEADS[verdict.status]
        if verdict.status == "failed":
            said = next(iter(message_lines(verdict)), said)
        line.append(said)
        lines.append(line)
    passed = sum(verdict.status == "passed" for _, verdict in graded)
    if not is_over:
        lines.append(Text(f"… {len(graded)} of {total} graded", "bold yellow"))
    elif passed == total:
        lines = [Text(f" ALL {total} EXERCISES PASS ", BADGES["passed"]), Text(), *lines]
    return Group(*lines)


def doctor_body(findings: Sequence[Finding], notes: Sequence[str]) -> RenderableType:
    """The first page that somebody sees."""
    grid = Table.grid(padding=(0, 1))
    for finding in findings:
        style = FINDING_STYLES[finding.state]
        text = Text(finding.what)
        if finding.remedy:
            text.append(f": {finding.remedy}", "dim")
        grid.add_row(Text({"good": "✓", "note": "!", "bad": "✗"}[finding.state], style), text)
    welcome = (
        "Each exercise is a hole in one of the five servers. Open its file in your editor, fill the hole in, save: "
        "the grader runs at every save, and says what is wrong and what it would mean on the stream."
    )
    return Group(Text(welcome), Text(), grid, *([Text()] if notes else []), *(Text(note, "yellow") for note in notes))


def title(left: str, right: str) -> RenderableType:
    """The head of a page that is not about one exercise."""
    return _row(Text(left, f"bold {ACCENT}"), Text(right, "dim"))


def foot(message: str, keys: Keys) -> RenderableType:
    """What was noticed, and what can be pressed."""
    return Group(Text(message, "yellow"), KeyLines(keys)) if message else KeyLines(keys)


def _bar(session: Session) -> Text:
    total = len(session.exercises)
    passed = sum(is_passed(session.marks, each) for each in session.exercises)
    full = BAR * passed // total
    bar = Text("█" * full, "green")
    bar.append("░" * (BAR - full), "dim")
    bar.append(f" {passed}/{total}")
    return bar


def _row(left: Text, right: Text, is_left_whole: bool = False) -> RenderableType:
    """Two texts on one line; where there is no room one is cut short."""
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=None if is_left_whole else 1, no_wrap=True, overflow="ellipsis")
    grid.add_column(ratio=1 if is_left_whole else None, no_wrap=True, overflow="ellipsis", justify="right")
    grid.add_row(left, right)
    return grid


def _title(text: str) -> Text:
    return Text(text, f"bold {ACCENT}")


def _prose(text: str) -> RenderableType:
    return Padding(Markdown(text), (0, 1, 0, 0))
