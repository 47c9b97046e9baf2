"""A model loaded on trial, in a process of its own that can be ended: a thread that hangs cannot."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

MODEL, REASON = "content", "reason"
"""Files in the directory of a trial."""
GRACE_S = 2.0  # the process ends itself in time; this much later it is ended
NICENESS = 10  # scoring goes on meanwhile, and comes first


def try_out(model_type: int, content: bytes, timeout_s: float, memory_bytes: int) -> None:
    """Load the model and score typical wines with it, in another process that ends then, or in time.

    What it costs: a Python process and the model's library, 0.15 s of processor time for ONNX and for PMML that is
    compiled, 1.5 s where it starts Java.

    Args:
        timeout_s: from the start of that process.
        memory_bytes: what it may allocate. Enforced on Linux only: elsewhere there is no such limit to set.
    Raises:
        ValueError: the model cannot be loaded, not in time, not in this much memory, or the process crashed over it;
            or there is no room for another process or file.
    """
    if timeout_s <= 0:
        raise ValueError("there was no time left to load it")
    try:
        with tempfile.TemporaryDirectory(prefix="model-trial-") as directory:
            (Path(directory) / MODEL).write_bytes(content)
            exit_code = _run(directory, [str(model_type), str(timeout_s), str(memory_bytes)], timeout_s + GRACE_S)
            reason = Path(directory) / REASON
            said = reason.read_text("utf-8") if reason.exists() else None
    except OSError as error:
        raise ValueError(f"cannot be tried out on this machine ({error.strerror})") from None
    if exit_code == 0:
        return
    if exit_code in (None, -signal.SIGALRM):
        raise ValueError(f"did not load within {timeout_s:.3g} s (--model-load-timeout-s)")
    if said is not None:
        raise ValueError(said)
    ended = f"exit code {exit_code}" if exit_code > 0 else signal.Signals(-exit_code).name
    raise ValueError(f"ends the process that loads it ({ended}); it may take more memory than --model-load-bytes")


def _run(directory: str, arguments: list[str], timeout_s: float) -> int | None:
    """The exit code; None if it had to be killed."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "model.trial_process", *arguments],
        cwd=directory,  # what a crash leaves behind goes away with it, and so do a killed process' temporary files
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(Path(each).absolute()) for each in sys.path),
            "TMPDIR": directory,
            "OPENBLAS_NUM_THREADS": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the server
    ) as process:
        try:
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()
