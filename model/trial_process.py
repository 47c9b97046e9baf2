"""The process of a trial: ``python -m model.trial_process TYPE SECONDS BYTES``, in the directory of the model.

It ends with 0 if the model serves, with 1 and the reason in a file if not, and by a signal if it takes too long or
crashes.
"""

import contextlib
import os
import resource
import signal
import sys
from pathlib import Path

from model import registry
from model.errors import ModelRejected
from model.trial import MODEL, REASON
from protobufs.model_descriptor_pb2 import ModelDescriptor


def main(model_type: int, timeout_s: float, memory_bytes: int) -> int:
    """Load the model; the exit code."""
    # The default action of this signal ends a process whatever it is busy with, also when nobody waits for it any more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _limit(resource.RLIMIT_CORE, 0)
    # Not the address space: Java and TensorFlow reserve far more of it than they ever use.
    _limit(resource.RLIMIT_DATA, memory_bytes)
    descriptor = ModelDescriptor(dataType="any", data=Path(MODEL).read_bytes())
    descriptor.modeltype = model_type  # type: ignore[assignment]  # the parent has it from a descriptor
    try:
        registry.load(descriptor)
    except ModelRejected as error:
        out_of_memory = isinstance(error.__cause__, MemoryError)
        reason = "takes more memory than --model-load-bytes" if out_of_memory else error.reason
        Path(REASON).write_text(reason, "utf-8", "backslashreplace")
        return 1
    return 0


def _limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # the platform does not have it, or has a lower one
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    exit_code = main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
    os._exit(exit_code)  # what libraries do at the end of a process is of no use here, and takes time
