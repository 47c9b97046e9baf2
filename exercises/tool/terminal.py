"""The tool in a terminal: single keys, a picture of the whole screen; the terminal is given back however it ends."""

import os
import queue
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live

from client.terminal.keys import ESCAPE_SEQUENCE, Keys, keys_of_terminal
from exercises.catalogue import Exercise
from exercises.errors import ExerciseError
from exercises.grading import Graders, Verdict
from exercises.tool import pages
from exercises.tool.doctor import Finding, examine
from exercises.tool.editor import Editor
from exercises.tool.listing import Listing
from exercises.tool.regrading import LOOK_EVERY_S, NO_EVENTS, Regrading
from exercises.tool.screen import Screen, Scroll
from exercises.tool.session import Checking, Session
from exercises.tool.words import count, shortened
from model.errors import ServingError

Page = Literal["doctor", "exercise", "list", "difference", "reset?", "check"]
SEQUENCES: Mapping[str, str] = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1bOH": "home",
    "\x1b[1~": "home",  # of tmux, screen and the Linux console
    "\x1b[F": "end",
    "\x1bOF": "end",
    "\x1b[4~": "end",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\b": "backspace",
}
STOPPED = signal.SIGTSTP


def has_terminal() -> bool:
    """Whether there is a screen to draw on, and keys to press."""
    console = Console()
    return console.is_terminal and not console.is_dumb_terminal and sys.stdin is not None and sys.stdin.isatty()


def key_names(pressed: str) -> Iterator[str]:
    """Each key by its name; a letter is its own."""
    at = 0
    while at < len(pressed):
        found = ESCAPE_SEQUENCE.match(pressed, at)
        sequence = found[0] if found is not None else pressed[at]
        at += len(sequence)
        if sequence in SEQUENCES:
            yield SEQUENCES[sequence]
        elif len(sequence) == 1 and sequence.isprintable():
            yield sequence


class NoKeys(ExerciseError):
    """The terminal is another program's at present."""

    def __init__(self) -> None:
        super().__init__("no keys can be read here: the terminal belongs to another program; start this one without &")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows."""

    head: RenderableType
    body: RenderableType
    keys: pages.Keys
    message: str = ""  # in place of what was noticed
    focus: int | None = None  # a line of the body that must be seen


class Terminal:
    """One run of it."""

    def __init__(self, session: Session, graders: Graders, editor: Editor) -> None:
        """Nothing is drawn yet."""
        self._session = session
        self._graders = graders
        self._editor = editor
        self._console = Console()
        self._page: Page = "doctor" if session.is_first or session.notes else "exercise"
        self._scroll = Scroll()
        self._listing: Listing | None = None
        self._message = ""
        self._saved_other: Exercise | None = None  # in place of the one that is shown
        self._is_grading = False
        self._is_over = False
        self._findings: Sequence[Finding] = []
        self._checking: Checking | None = None
        self._graded: list[tuple[Exercise, Verdict]] = []
        self._check_is_over = False
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        """What other threads have to say, to be done on this one."""
        self._waking, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._is_to_stop = False  # for a while: Ctrl-Z
        self._regrading = Regrading(
            graders,
            session.workspace,
            begun=lambda exercise: self._tell(partial(self._begin, exercise)),
            judged=lambda exercise, verdict: self._tell(partial(self._judge, exercise, verdict)),
            failed=lambda error: self._tell(partial(self._fail, error)),
            saved_other=lambda exercise: self._tell(partial(self._notice, exercise)),
        )

    def run(self) -> None:
        """Draw and obey, until q or Ctrl-C."""
        self._graders.prepare()
        if self._page == "doctor":
            self._findings = list(examine(self._session.workspace.home))
        with ExitStack() as stack:
            stack.callback(self._stop_checking)
            keys = stack.enter_context(keys_of_terminal())
            if keys.fd is None:
                raise NoKeys
            live = stack.enter_context(_whole_screen(self._console))
            stack.enter_context(self._signals())
            stack.enter_context(self._regrading)
            if self._page == "exercise":
                self._open()
            while not self._is_over:
                live.update(self._picture(), refresh=True)
                self._wait(keys)
                if self._is_to_stop:
                    self._stop_for_a_while(live, keys)
                for key in key_names(keys.pressed()):
                    self._press(key)
                self._regrading.look()
                self._hear()

    def _wait(self, keys: Keys) -> None:
        waited = [self._waking] if keys.fd is None else [self._waking, keys.fd]
        if self._waking in select.select(waited, [], [], LOOK_EVERY_S)[0]:
            os.read(self._waking, 4096)
        if keys.fd is None:  # the terminal is gone
            self._is_over = True

    def _tell(self, news: Callable[[], None]) -> None:
        self._news.put(news)
        self._awake()

    def _awake(self) -> None:
        try:
            os.write(self._wake, b".")
        except BlockingIOError:  # it is full of reasons to wake up
            return

    def _hear(self) -> None:
        while not self._news.empty():
            self._news.get()()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """A new size is drawn at once; Ctrl-Z gives the terminal back for as long as it lasts."""

        def handle(number: int, _frame: object) -> None:
            self._is_to_stop = number == STOPPED
            self._awake()

        before = {number: signal.signal(number, handle) for number in (signal.SIGWINCH, STOPPED)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_for_a_while(self, live: Live, keys: Keys) -> None:
        self._is_to_stop = False
        live.stop()
        with keys.given_back():
            os.kill(os.getpid(), signal.SIGSTOP)  # here it goes on after fg
        live.start()

    def _begin(self, exercise: Exercise) -> None:
        self._is_grading = exercise is self._session.exercise

    def _judge(self, exercise: Exercise, verdict: Verdict) -> None:
        self._is_grading = False
        self._session.judge(exercise, verdict)
        if self._saved_other is not None and self._saved_other.file != exercise.file:
            self._saved_other = None  # by now the answer of the one that is shown was saved, too
        if exercise is self._session.exercise and self._page == "exercise":
            self._scroll.top = 0
            self._message = "n goes on" if self._session.has_passed else ""
            if self._session.has_passed and self._session.is_done:
                self._message = "that was the last one: n runs all of them again"

    def _notice(self, exercise: Exercise) -> None:
        self._saved_other = exercise

    def _fail(self, error: Exception) -> None:
        self._is_grading = False
        self._message = str(error)

    def _press(self, key: str) -> None:
        self._message = ""
        if key != "g":
            self._saved_other = None
        if self._page == "list" and self._listing is not None and self._listing.is_searching:
            self._press_in_list(key, self._listing)
        elif key == "q":
            self._is_over = True
        elif self._page == "list" and self._listing is not None:
            self._press_in_list(key, self._listing)
        elif not self._scrolled(key):
            self._press_in_page(key)

    def _press_in_page(self, key: str) -> None:
        match self._page:
            case "exercise":
                self._press_in_exercise(key)
            case "check" if not self._check_is_over:
                if key == "escape":
                    self._stop_checking()
            case "reset?":
                if key == "y":
                    self._session.workspace.reset(self._session.exercise)
                    self._message = f"reset; what you had written is in {self._backup}"
                self._show("exercise")
            case _:
                self._open() if self._page in ("doctor", "check") else self._show("exercise")
                if key in ("n", "l"):  # what is pressed by those who do not want to go back first
                    self._press_in_exercise(key)

    def _press_in_exercise(self, key: str) -> None:
        session = self._session
        match key:
            case "n":
                self._next()
            case "h":
                session.show_hint()
                self._scroll.top = 0
            case "l":
                self._listing = Listing(session.exercises, session.marks, session.exercise)
                self._show("list")
            case "r":
                self._regrading.again()
            case "x":
                self._show("reset?")
            case "s":
                self._compare()
            case "c":
                self._check()
            case "e":
                self._edit()
            case "g":
                self._go()

    def _press_in_list(self, key: str, listing: Listing) -> None:
        if key == "enter":
            if listing.chosen is not None:
                self._session.open(listing.chosen)
                self._open()
        elif not listing.is_searching and key in ("escape", "l"):
            self._show("exercise")
        else:
            listing.press(key)

    def _scrolled(self, key: str) -> bool:
        page = max(1, self._scroll.rows - 1)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -page, "page down": page, " ": page}
        steps |= {"home": -self._scroll.lines, "end": self._scroll.lines}
        if key in steps and not (key == " " and self._scroll.below == 0):
            self._scroll.move(steps[key])
            return True
        return False

    def _next(self) -> None:
        if self._session.next():
            self._open()
        elif self._session.is_done:
            self._check()
        else:
            self._message = "this is the only one that is left"

    def _open(self) -> None:
        """Show the session's exercise, and grade it from now on."""
        self._saved_other = None
        self._show("exercise")
        self._regrading.watch(self._session.exercise)
        self._edit()

    def _compare(self) -> None:
        if self._session.has_passed:
            self._show("difference")
        else:
            self._message = "our solution is shown when yours has passed; h gives a hint"

    def _go(self) -> None:
        if self._saved_other is not None:
            self._session.open(self._saved_other)
            self._open()

    def _edit(self) -> None:
        workspace, exercise = self._session.workspace, self._session.exercise
        try:
            self._editor.open(workspace.file(exercise), workspace.line(exercise))
        except ExerciseError as error:
            self._message = str(error)

    def _show(self, page: Page) -> None:
        self._page = page
        self._scroll = Scroll()

    def _check(self) -> None:
        self._regrading.watch(None)
        self._is_grading = False
        self._graded = []
        self._check_is_over = False
        self._checking = Checking(self._graders, self._session.workspace, self._session.progress)
        self._show("check")
        threading.Thread(target=self._run_check, args=(self._checking,), name="checking", daemon=True).start()

    def _run_check(self, checking: Checking) -> None:
        try:
            checking.run(lambda exercise, verdict: self._tell(partial(self._graded.append, (exercise, verdict))))
        except (ServingError, ExerciseError) as error:
            self._tell(partial(self._fail, error))
        self._tell(self._end_check)

    def _end_check(self) -> None:
        self._check_is_over = True
        self._checking = None
        self._session.marks = self._session.progress.marks()

    def _stop_checking(self) -> None:
        if self._checking is not None:
            self._checking.stop()

    def _picture(self) -> Screen:
        shown = self._shown()
        message = shown.message or self._message or (NO_EVENTS if self._regrading.are_events_missing else "")
        rows = self._console.size.height
        return Screen(shown.head, shown.body, pages.foot(message, shown.keys), self._scroll, rows, shown.focus)

    def _shown(self) -> Shown:
        session = self._session
        match self._page:
            case "doctor":
                head = pages.title("Exercises", count(session.exercises, session.marks))
                keys = [("any key", f"begins with {session.exercise.name}"), ("q", "quit")]
                return Shown(head, pages.doctor_body(self._findings, session.notes), keys)
            case "list":
                return self._list_shown()
            case "check":
                return self._check_shown()
        head = pages.head(session, self._is_grading)
        match self._page:
            case "difference":
                return Shown(head, pages.difference_body(session), [("any key", "back"), ("q", "quit")])
            case "reset?":
                question = f"reset {session.exercise.name} to how you found it? Your answer is kept in {self._backup}"
                keys = [("y", "resets it"), ("any other key", "does not")]
                return Shown(head, pages.exercise_body(session), keys, question)
            case "exercise":
                return Shown(head, pages.exercise_body(session), self._exercise_keys(), self._other_told())

    def _list_shown(self) -> Shown:
        session = self._session
        listing = self._listing
        assert listing is not None
        head = pages.title("Exercises", f"{count(session.exercises, session.marks)} · {listing.filter}")
        body = pages.list_body(listing, session.marks)
        moves = [("↑↓", "choose"), ("Enter", "open")]
        if listing.is_searching:
            return Shown(head, body, [*moves, ("Esc", "show all")], f"search: {listing.searched}▏", listing.focus)
        keys = [*moves, ("/", "search"), ("f", "filter"), ("Esc", "back"), ("q", "quit")]
        return Shown(head, body, keys, focus=listing.focus)

    def _check_shown(self) -> Shown:
        total = len(self._session.exercises)
        passed = sum(verdict.status == "passed" for _, verdict in self._graded)
        head = pages.title("All exercises", f"{passed} of {total} pass")
        body = pages.check_body(self._graded, total, self._check_is_over)
        return Shown(head, body, [("any key", "back") if self._check_is_over else ("Esc", "stops"), ("q", "quit")])

    @property
    def _backup(self) -> str:
        return f"{shortened(self._session.workspace.home)}/.backup/"

    def _other_told(self) -> str:
        other = self._saved_other
        return "" if other is None else f"you saved {other.name}; this is {self._session.exercise.name}"

    def _exercise_keys(self) -> pages.Keys:
        keys = [("n", "next"), ("h", "hint"), ("l", "list"), ("r", "run"), ("x", "reset")]
        if self._saved_other is not None:
            keys = [("g", f"go to {self._saved_other.name}"), *keys]
        if self._session.has_passed:
            keys.append(("s", "solution"))
        if self._editor.is_there:
            keys.append(("e", "edit"))
        return [*keys, ("c", "check all"), ("q", "quit")]


@contextmanager
def _whole_screen(console: Console) -> Iterator[Live]:
    """A picture over the whole terminal, which is given back as it was."""
    live = Live(console=console, screen=True, auto_refresh=False)
    live.start()
    try:
        yield live
    finally:
        # A terminal that has grown meanwhile (tmux) would leave parts of the picture on the ordinary screen.
        console.control(Control.home(), Control.clear())
        live.stop()
