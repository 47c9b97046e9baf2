"""A model loaded on trial, in a process of its own that can be ended: a thread that hangs cannot.

To start Python and import a model's library takes longer than to load the model, and competes with the scoring and the
broker for the processors. So one process is kept that has done both and does nothing else: for each trial it forks
another one, which ends with the trial. Whatever a model does to that one, the next trial begins with a clean process.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import weakref
from collections import deque
from pathlib import Path
from typing import NamedTuple

from model.errors import LocalFailure, ModelUnfit, local_failure
from model.model import PmmlEngine
from model.scratch import scratch_directory

MODEL, REASON = "content", "reason"
"""Files in the directory of a trial."""
NOT_SERVED, NOT_HERE = 1, 2
"""Exit codes: the model cannot be served; this machine could not load it at present."""
GRACE_S = 2.0  # the process ends itself in time; this much later it is ended
NICENESS = 10  # scoring goes on meanwhile, and comes first
MAX_RESULT_BYTES = 64
PASSED_ON = frozenset(
    {
        "PATH", "HOME", "XDG_CACHE_HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8",
    }
)  # fmt: skip
"""All that a trial gets of the server's environment: what Python and libraries need to be found and to start.
Anything else in there, such as passwords and tokens, is not for a stranger's model."""


class Job(NamedTuple):
    """What a trial's process is told, as one line of JSON."""

    directory: str
    model_type: int
    timeout_s: float
    memory_bytes: int
    pmml_engine: PmmlEngine


class Trials:
    """Trials one after the other, or concurrently; each in a process of its own."""

    def __init__(self) -> None:
        """Nothing is started before the first trial."""
        self._idle: deque[_TrialProcess] = deque()

    def try_out(
        self, model_type: int, content: bytes, timeout_s: float, memory_bytes: int, pmml_engine: PmmlEngine = "auto"
    ) -> None:
        """Load the model and score typical wines with it, in another process that ends then, or in time.

        Args:
            timeout_s: from the start of that process.
            memory_bytes: what it may allocate. Enforced on Linux only: elsewhere there is no such limit to set.
            pmml_engine: what scores PMML.
        Raises:
            ModelUnfit: the model cannot be loaded, not in time, not in this much memory, or its process crashes.
            LocalFailure: there is no room for another process or file at present.
        """
        if timeout_s <= 0:
            raise ModelUnfit("there was no time left to load it", "raise --model-load-timeout-s")
        try:
            with scratch_directory() as directory:
                (directory / MODEL).write_bytes(content)
                exit_code = self._run(Job(str(directory), model_type, timeout_s, memory_bytes, pmml_engine))
                said = directory / REASON
                reason, detail = json.loads(said.read_text("utf-8")) if said.exists() else (None, "")
        except OSError as error:
            reason = f"a model cannot be tried out ({error.strerror or error})"
            raise local_failure(error) or LocalFailure(reason) from error
        if exit_code == 0:
            return
        if exit_code in (None, -signal.SIGALRM):
            raise ModelUnfit(
                f"did not load within {timeout_s:.3g} s", "make it smaller, or raise --model-load-timeout-s"
            )
        if reason is not None and exit_code == NOT_HERE:
            raise LocalFailure(reason)
        if reason is not None:
            problem, _, remedy = reason.rpartition("; ")
            raise ModelUnfit(problem, remedy, detail)
        ended = f"exit code {exit_code}" if exit_code > 0 else signal.Signals(-exit_code).name
        raise ModelUnfit(
            f"ends the process that loads it ({ended})", "if it only takes more memory, raise --model-load-bytes"
        )

    def _run(self, job: Job) -> int | None:
        """The exit code of the trial; None if it had to be killed."""
        with contextlib.suppress(IndexError, BrokenPipeError):
            return self._run_in(self._idle.pop(), job)  # a BrokenPipeError: it was killed while it waited
        return self._run_in(_TrialProcess(), job)

    def _run_in(self, process: "_TrialProcess", job: Job) -> int | None:
        exit_code = process.run(job)
        if process.is_waiting and not self._idle:
            self._idle.append(process)
        else:
            process.end()
        return exit_code

    def close(self) -> None:
        """End the process that waits. Not needed where this process ends: that one ends with it."""
        while self._idle:
            self._idle.pop().end()


class _TrialProcess:
    """A process that waits for jobs and forks for each; it ends when this process does."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            OSError: there is no room for it.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "model.trial_process"],
            cwd="/",
            env=environment(),
            bufsize=0,
            stdin=subprocess.PIPE,  # it closes when this process ends, however it does
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server; and what it starts can be killed with it
        )
        self.end = weakref.finalize(self, _end, self._process)
        """Kill it, and the trial that it has begun."""
        os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
        self.is_waiting = False  # for the next job

    def run(self, job: Job) -> int | None:
        """The exit code of the trial; None if that is not known in time.

        Raises:
            BrokenPipeError: the process has ended before.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.is_waiting = False
        self._process.stdin.write(f"{json.dumps(job)}\n".encode())
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        if not poll.poll((job.timeout_s + GRACE_S) * 1000):
            return None
        if result := self._process.stdout.read(MAX_RESULT_BYTES):
            self.is_waiting = True
            return int(result)
        return self._process.wait()


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; on macOS: only zombies are
        os.killpg(process.pid, signal.SIGKILL)
    with process:  # closes the pipes, and waits for its end
        process.kill()


def environment() -> dict[str, str]:
    """The environment of a trial: what is ``PASSED_ON``, and what is set for it."""
    return {
        **{name: value for name, value in os.environ.items() if name in PASSED_ON},
        "PYTHONPATH": os.pathsep.join(str(Path(each).absolute()) for each in sys.path),
        "OPENBLAS_NUM_THREADS": "1",
    }
