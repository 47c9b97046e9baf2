"""The process of trials: ``python -m model.trial_process`` reads jobs, one a line, and answers each with an exit code.

Each job is done in a process that is forked for it. That one ends with 0 if the model serves, with 1 and the reason in
a file if not, with 2 if this machine could not load it, and by a signal if it takes too long or crashes. It does not
outlive the process that sent the job, and removes the trial's directory if that cannot do so any more.

A process can be forked safely while it has one thread, and has neither Java nor TensorFlow in it: this one imports only
what needs no more than that. macOS's own libraries do not bear it at all: there this process does one job and ends.
"""

import contextlib
import errno
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from threading import Thread
from typing import NoReturn

from model import registry, scratch
from model.errors import LocalFailure, ModelRejected, local_failure
from model.trial import MODEL, NOT_HERE, NOT_SERVED, REASON, Job
from protobufs.model_descriptor_pb2 import ModelDescriptor

FORKS = sys.platform != "darwin"
STDIN, STDOUT = 0, 1
OWN_LIMIT = (os.strerror(errno.ENOMEM), os.strerror(errno.EAGAIN))  # this process' memory, not the machine's
TOO_LARGE = "takes more memory than --model-load-bytes; make it smaller, or raise that"


Reason = tuple[str, str]
"""In a line, and in full."""


def main() -> None:
    """Do jobs until the process that sends them has ended."""
    results = os.dup(STDOUT)
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)  # what libraries print is no result
    while line := _line():
        job = Job(*json.loads(line))
        try:
            exit_code = _run(job, results)
        except OSError as error:
            _write_reason(job, (os.strerror(error.errno or 0),) * 2)
            exit_code = NOT_HERE
        try:
            os.write(results, f"{exit_code}\n".encode())
        except BrokenPipeError:
            return
        if exit_code == 0:
            with contextlib.suppress(Exception):  # each trial imports it all the same, and says what is wrong
                registry.prepare(job.model_type)


def _line() -> bytes:
    """The next job; empty if there will be none. The next one comes only when this one has been answered."""
    line = b""
    while not line.endswith(b"\n"):
        if not (part := os.read(STDIN, 65536)):
            return b""
        line += part
    return line


def _run(job: Job, results: int) -> int:
    """The exit code of the process that does the job; here, if it does not fork, it does not return."""
    child = os.fork() if FORKS else 0
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended: tuple[int, Reason | None] = (NOT_SERVED, None)
    try:
        os.close(results)
        ended = _try_out(job)
    except (OSError, RuntimeError) as error:
        if (failure := local_failure(error)) is not None:
            ended = NOT_HERE, (failure.reason, failure.reason)
    finally:
        _end(job, *ended)


def _try_out(job: Job) -> tuple[int, Reason | None]:
    """Load the model; the exit code, and why it is not 0."""
    Thread(target=_end_with_parent, args=(job,), daemon=True).start()
    # The default action of this signal ends a process in any state, also when nobody waits for it any more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job.timeout_s)
    os.chdir(job.directory)  # what a crash leaves behind goes away with it, and so do a killed process' temporary files
    os.environ["TMPDIR"] = job.directory
    _limit(resource.RLIMIT_CORE, 0)
    # Not the address space: Java and TensorFlow reserve far more of it than they ever use.
    _limit(resource.RLIMIT_DATA, job.memory_bytes)
    descriptor = ModelDescriptor(dataType="any", data=Path(MODEL).read_bytes())
    descriptor.modeltype = job.model_type  # type: ignore[assignment]  # the parent has it from a descriptor
    try:
        registry.load(descriptor, pmml_engine=job.pmml_engine)
    except ModelRejected as error:
        if isinstance(error.__cause__, MemoryError):
            return NOT_SERVED, (TOO_LARGE, TOO_LARGE)
        return NOT_SERVED, (error.reason, error.detail)
    except LocalFailure as failure:
        if failure.reason in OWN_LIMIT:
            return NOT_SERVED, (TOO_LARGE, TOO_LARGE)
        return NOT_HERE, (failure.reason, failure.reason)
    return 0, None


def _end_with_parent(job: Job) -> None:
    """Wait for the end of the process that sent the job."""
    os.read(STDIN, 1)
    _end(job, NOT_SERVED, None)


def _end(job: Job, exit_code: int, reason: Reason | None) -> NoReturn:
    """End this process; if its parent is gone, not before the directory is, in whichever thread that is seen first.

    What libraries do at the end of a process is of no use here, and takes time.
    """
    parent_is_gone = bool(select.select([STDIN], [], [], 0)[0])
    if parent_is_gone:
        scratch.remove(Path(job.directory))
    elif reason is not None:
        _write_reason(job, reason)
    os._exit(exit_code)


def _write_reason(job: Job, reason: Reason) -> None:
    (Path(job.directory) / REASON).write_text(json.dumps(reason), "utf-8")


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # the platform does not have it, or has a lower one
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    try:
        main()
    finally:
        os._exit(0)  # an orderly end takes time
