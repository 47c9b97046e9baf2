"""What a running process has used so far, asked from outside."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

KIB = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """All its threads together."""

    cpu_s: float  # user and system; to 0.01 s
    memory_bytes: int  # resident now


def usage(pid: int) -> Usage:
    """What the process has used so far.

    Raises:
        ProcessLookupError: there is no such process.
    """
    stat = Path("/proc", str(pid), "stat")
    try:
        return _from_proc(stat.read_text()) if stat.exists() else _from_ps(pid)
    except OSError:
        raise ProcessLookupError(pid) from None


def only_child(pid: int) -> int | None:
    """The process that this one has started; None while there is none."""
    listed = _said_by_ps("-A", "-o", "pid=,ppid=")
    pairs = (line.split() for line in listed.splitlines())
    return next((int(child) for child, parent in pairs if int(parent) == pid), None)


def seconds(clock: str) -> float:
    """The seconds in a time as ``ps`` writes it: ``[[days-]hours:]minutes:seconds[.hundredths]``."""
    days, _, time = clock.rpartition("-")
    total_s = 0.0
    for part in time.split(":"):
        total_s = total_s * 60 + float(part)
    return total_s + int(days or 0) * 86_400


def _from_proc(stat: str) -> Usage:
    # Linux's ps shows whole seconds only. The second field is the command's name, which may hold blanks and brackets.
    fields = stat.rpartition(")")[2].split()
    user, system, resident_pages = int(fields[11]), int(fields[12]), int(fields[21])
    return Usage((user + system) / os.sysconf("SC_CLK_TCK"), resident_pages * os.sysconf("SC_PAGE_SIZE"))


def _from_ps(pid: int) -> Usage:
    fields = _said_by_ps("-o", "time=,rss=", "-p", str(pid)).split()
    if not fields:
        raise ProcessLookupError(pid)
    return Usage(seconds(fields[0]), int(fields[1]) * KIB)


def _said_by_ps(*words: str) -> str:
    # By its name: it is in /bin or in /usr/bin. Its exit code says only that it found nothing.
    return subprocess.run(["ps", *words], capture_output=True, text=True, check=False).stdout  # noqa: S607
