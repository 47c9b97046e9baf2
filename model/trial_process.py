"""The process of a trial: ``python -m model.trial_process TYPE SECONDS BYTES ENGINE``, in the model's directory.

It ends with 0 if the model serves, with 1 and the reason in a file if not, with 2 if this machine could not load it,
and by a signal if it takes too long or crashes. It does not outlive the process that started it, and removes its
directory if that cannot do so any more.
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
from model.errors import LocalFailure, ModelRejected
from model.model import PmmlEngine
from model.trial import MODEL, NOT_HERE, NOT_SERVED, REASON
from protobufs.model_descriptor_pb2 import ModelDescriptor

OWN_LIMIT = (os.strerror(errno.ENOMEM), os.strerror(errno.EAGAIN))  # this process' memory, not the machine's
TOO_LARGE = "takes more memory than --model-load-bytes; make it smaller, or raise that"


Reason = tuple[str, str]
"""In a line, and in full."""


def main(
    directory: Path, model_type: int, timeout_s: float, memory_bytes: int, pmml_engine: PmmlEngine
) -> tuple[int, Reason | None]:
    """Load the model; the exit code, and why it is not 0."""
    Thread(target=_end_with_parent, args=(directory,), daemon=True).start()
    # The default action of this signal ends a process in any state, also when nobody waits for it any more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _limit(resource.RLIMIT_CORE, 0)
    # Not the address space: Java and TensorFlow reserve far more of it than they ever use.
    _limit(resource.RLIMIT_DATA, memory_bytes)
    descriptor = ModelDescriptor(dataType="any", data=(directory / MODEL).read_bytes())
    descriptor.modeltype = model_type  # type: ignore[assignment]  # the parent has it from a descriptor
    try:
        registry.load(descriptor, pmml_engine=pmml_engine)
    except ModelRejected as error:
        if isinstance(error.__cause__, MemoryError):
            return NOT_SERVED, (TOO_LARGE, TOO_LARGE)
        return NOT_SERVED, (error.reason, error.detail)
    except LocalFailure as failure:
        if failure.reason in OWN_LIMIT:
            return NOT_SERVED, (TOO_LARGE, TOO_LARGE)
        return NOT_HERE, (failure.reason, failure.reason)
    return 0, None


def _end_with_parent(directory: Path) -> None:
    """Wait for the end of the process that started this one."""
    os.read(sys.stdin.fileno(), 1)
    _end(directory, NOT_SERVED, None)


def _end(directory: Path, exit_code: int, reason: Reason | None) -> NoReturn:
    """End this process; if its parent is gone, not before the directory is, in whichever thread that is seen first.

    What libraries do at the end of a process is of no use here, and takes time.
    """
    parent_is_gone = bool(select.select([sys.stdin], [], [], 0)[0])
    if parent_is_gone:
        scratch.remove(directory)
    elif reason is not None:
        (directory / REASON).write_text(json.dumps(reason), "utf-8")
    os._exit(exit_code)


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # the platform does not have it, or has a lower one
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    here = Path.cwd()
    ended: tuple[int, Reason | None] = (NOT_SERVED, None)
    try:
        of_type, timeout_s, memory_bytes, engine = sys.argv[1:]
        pmml_engine: PmmlEngine = "jpmml" if engine == "jpmml" else "auto"
        ended = main(here, int(of_type), float(timeout_s), int(memory_bytes), pmml_engine)
    finally:
        _end(here, *ended)
