"""Keys from a real pseudo-terminal, the terminal as it was afterwards, and what keys ask for."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from typing import Literal, NamedTuple

import pytest

from client.demo.all.keys import Commands, Kill
from tests.support.process import eventually

PROGRAM = """
import os, sys, time
from client.terminal.keys import keys_of_terminal
with keys_of_terminal() as keys:
    print("ready", flush=True)
    while True:
        pressed = keys.pressed()
        if pressed:
            print("pressed", pressed, flush=True)
        if "q" in pressed:
            break
        if "x" in pressed:
            raise RuntimeError("as told")
        time.sleep(0.01)
"""


class Terminal(NamedTuple):
    """A process whose standard input, and nothing else, is a terminal of its own."""

    keyboard: int
    line: int
    process: subprocess.Popen[str]

    def said(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed and waits for Enter."""
        return bool(termios.tcgetattr(self.line)[3] & termios.ECHO and termios.tcgetattr(self.line)[3] & termios.ICANON)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """The program is ready for keys."""
    keyboard, line = pty.openpty()
    # Its own terminal, and Ctrl-C not ignored, as an interactive shell gives them; `make test &` ignores Ctrl-C.
    claim = "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    claim += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", claim + PROGRAM],
        stdin=line,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    shown = Terminal(keyboard, line, process)
    try:
        assert shown.said() == "ready\n"
        yield shown
    finally:
        process.kill()
        process.communicate()
        os.close(keyboard)
        os.close(line)


@pytest.mark.parametrize(
    ("keys", "commands"),
    [
        ("3", [Kill(3, "killed")]),
        ("d3", [Kill(3, "disk_wiped")]),
        ("T5", [Kill(5, "model_topic_emptied")]),
        ("d31", [Kill(3, "disk_wiped"), Kill(1, "killed")]),  # armed for one key alone
        ("dt2", [Kill(2, "model_topic_emptied")]),
        ("dx2", [Kill(2, "killed")]),
        ("d\x1b2", [Kill(2, "killed")]),
        ("\x1b[15~\x1b[A\x1bOQ", []),  # F5, up, F2
        ("dq\N{SUPERSCRIPT TWO}", ["end"]),
    ],
)
def test_a_number_kills_and_a_letter_before_it_takes_something_more_away(
    keys: str, commands: list[Kill | Literal["end"]]
) -> None:
    assert Commands().read(keys) == commands
    one_by_one = Commands()
    if "\x1b[" not in keys:  # a terminal sends an escape sequence in one piece
        assert [command for key in keys for command in one_by_one.read(key)] == commands


def test_what_is_armed_is_known_until_the_next_key() -> None:
    commands = Commands()
    assert commands.read("d") == []
    assert commands.armed == "disk_wiped"
    commands.read("x")
    assert commands.armed is None


def test_keys_arrive_without_enter_and_the_terminal_is_given_back(terminal: Terminal) -> None:
    assert not terminal.echoes()
    os.write(terminal.keyboard, b"3")
    assert terminal.said() == "pressed 3\n"
    os.write(terminal.keyboard, b"q")
    assert terminal.process.wait(10) == 0
    assert terminal.echoes()


def test_the_terminal_is_given_back_after_an_exception_too(terminal: Terminal) -> None:
    os.write(terminal.keyboard, b"x")
    assert terminal.process.wait(10) == 1
    assert terminal.echoes()


def test_ctrl_c_goes_on_to_be_a_signal(terminal: Terminal) -> None:
    os.write(terminal.keyboard, b"\x03")
    assert terminal.process.wait(10) == -signal.SIGINT
    eventually(terminal.echoes, "the terminal is given back")


def test_where_there_is_no_terminal_there_are_no_keys() -> None:
    quiet = PROGRAM.replace("while True:", "for _ in range(3):")
    for stdin in (subprocess.DEVNULL, None):
        close = {"preexec_fn": lambda: os.close(0)} if stdin is None else {}
        done = subprocess.run(
            [sys.executable, "-c", quiet],
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            **close,  # type: ignore[call-overload]
        )
        assert (done.returncode, done.stdout) == (0, "ready\n")
