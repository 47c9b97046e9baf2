"""The process of a trial: ``python -m model.trial_process TYPE SECONDS BYTES ENGINE``, in the model's directory.

It ends with 0 if the model serves, with 1 and the reason in a file if not, with 2 if this machine could not load it,
and by a signal if it takes too long or crashes. It does not outlive the process that started it.
"""

import contextlib
import errno
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from threading import Thread

from model import registry
from model.errors import LocalFailure, ModelRejected
from model.model import PmmlEngine
from model.trial import MODEL, NOT_HERE, NOT_SERVED, REASON
from protobufs.model_descriptor_pb2 import ModelDescriptor

OWN_LIMIT = (os.strerror(errno.ENOMEM), os.strerror(errno.EAGAIN))  # this process' memory, not the machine's
TOO_LARGE = "takes more memory than --model-load-bytes; make it smaller, or raise that"


def main(model_type: int, timeout_s: float, memory_bytes: int, pmml_engine: PmmlEngine) -> int:
    """Load the model; the exit code."""
    Thread(target=_end_with_parent, args=(Path.cwd(),), daemon=True).start()
    # The default action of this signal ends a process whatever it is busy with, also when nobody waits for it any more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _limit(resource.RLIMIT_CORE, 0)
    # Not the address space: Java and TensorFlow reserve far more of it than they ever use.
    _limit(resource.RLIMIT_DATA, memory_bytes)
    descriptor = ModelDescriptor(dataType="any", data=Path(MODEL).read_bytes())
    descriptor.modeltype = model_type  # type: ignore[assignment]  # the parent has it from a descriptor
    try:
        registry.load(descriptor, pmml_engine=pmml_engine)
    except ModelRejected as error:
        if isinstance(error.__cause__, MemoryError):
            return _told(NOT_SERVED, TOO_LARGE, TOO_LARGE)
        return _told(NOT_SERVED, error.reason, error.detail)
    except LocalFailure as failure:
        if failure.reason in OWN_LIMIT:
            return _told(NOT_SERVED, TOO_LARGE, TOO_LARGE)
        return _told(NOT_HERE, failure.reason, failure.reason)
    return 0


def _told(exit_code: int, reason: str, detail: str) -> int:
    Path(REASON).write_text(json.dumps([reason, detail]), "utf-8")
    return exit_code


def _end_with_parent(directory: Path) -> None:
    """Wait for the end of the process that started this one, and remove what it cannot remove any more."""
    os.read(sys.stdin.fileno(), 1)
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(NOT_SERVED)


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # the platform does not have it, or has a lower one
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    exit_code = main(
        int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), "jpmml" if sys.argv[4] == "jpmml" else "auto"
    )
    os._exit(exit_code)  # what libraries do at the end of a process is of no use here, and takes time
