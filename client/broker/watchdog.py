"""A command that never outlives its parent: ``python -m client.broker.watchdog [--grace SECONDS] COMMAND...``.

A process that is killed with ``kill -9`` cannot stop what it has started. So it starts this program in between and
holds the other end of its standard input: however the parent ends, the system closes that end, and the command is
stopped - SIGTERM first, SIGKILL after the grace time. It works the same on Linux and macOS. SIGTERM to the watchdog
does it too; SIGUSR1 kills the command at once, for a parent that wants to show what ``kill -9`` does. The command runs
in a session of its own, so that a Ctrl-C reaches only the parent, which can then stop the command when it has finished
its own work.

Run as a file with ``python -I -S`` this starts in 20 ms: it must import the standard library only, and little of it.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

USAGE = "usage: python -m client.broker.watchdog [--grace SECONDS] COMMAND [ARGUMENT ...]"
GRACE_S = 3.0
STDIN = 0
STOPPING = (signal.SIGTERM, signal.SIGHUP)
KILL = signal.SIGUSR1


def watchdog_command(command: Sequence[str], grace_s: float = GRACE_S) -> list[str]:
    """What to start, with a pipe as its standard input, in order to run ``command`` under a watchdog.

    It must be started with ``close_fds`` (the default); a second process holding the pipe's end would keep it open.
    """
    return [sys.executable, "-I", "-S", __file__, "--grace", str(grace_s), *command]


def watch(command: Sequence[str], grace_s: float = GRACE_S) -> int:
    """Run the command until it ends, or stop it when standard input ends or a signal comes.

    Returns:
        its exit code; 128 + n if signal n ended it, 127 if it cannot be started, as shells have it.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (*STOPPING, KILL, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, _wake)
    try:
        # Files that the parent passed on purpose go on to the command: the broker holds the lock of its directory.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False)
    except OSError as error:
        sys.stderr.write(f"error: {command[0]}: {error.strerror}\n")
        return 127
    sign = _sign_to_end(child, reading)
    if sign is not None:
        if sign != KILL:
            child.terminate()
            _wait(child, reading, grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; on macOS: only zombies are
            os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _sign_to_end(child: subprocess.Popen[bytes], wakeups: int) -> signal.Signals | None:
    """Wait for a sign to end the command: a signal, or the end of standard input, which is as good as SIGTERM.

    None where the command ends by itself.
    """
    while child.poll() is None:
        ready, _, _ = select.select([STDIN, wakeups], [], [])
        arrived = set(os.read(wakeups, 1024)) if wakeups in ready else set()
        if KILL in arrived:
            return KILL
        if arrived.intersection(STOPPING) or (STDIN in ready and not os.read(STDIN, 65536)):
            return signal.SIGTERM
    return None


def _wait(child: subprocess.Popen[bytes], wakeups: int, grace_s: float) -> None:
    deadline = time.monotonic() + grace_s
    while child.poll() is None and (left_s := deadline - time.monotonic()) > 0:
        if select.select([wakeups], [], [], left_s)[0]:
            os.read(wakeups, 1024)


def _wake(*_: object) -> None:
    """A signal's number arrives through ``set_wakeup_fd``; the handler has nothing to do but exist."""


def main(arguments: Sequence[str]) -> int:
    """Read the flags and watch; a missing command or a bad grace time is a usage error, exit code 2."""
    words = list(arguments)
    grace_s = GRACE_S
    try:
        if words and words[0] == "--grace":
            grace_s, words = float(words[1]), words[2:]
    except (IndexError, ValueError):
        words = []
    if not words or words[0].startswith("-"):
        sys.stderr.write(USAGE + "\n")
        return 2
    return watch(words, grace_s)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
