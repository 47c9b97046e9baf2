"""A model loaded on trial, in a process of its own that can be ended: a thread that hangs cannot."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from model.errors import LocalFailure, ModelUnfit, local_failure
from model.model import PmmlEngine
from model.scratch import scratch_directory

MODEL, REASON = "content", "reason"
"""Files in the directory of a trial."""
NOT_SERVED, NOT_HERE = 1, 2
"""Exit codes: the model cannot be served; this machine could not load it at present."""
GRACE_S = 2.0  # the process ends itself in time; this much later it is ended
NICENESS = 10  # scoring goes on meanwhile, and comes first
PASSED_ON = frozenset(
    {
        "PATH", "HOME", "XDG_CACHE_HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8",
    }
)  # fmt: skip
"""All that a trial gets of the server's environment: what Python and libraries need to be found and to start.
Anything else in there, such as passwords and tokens, is not for a stranger's model."""


def try_out(
    model_type: int, content: bytes, timeout_s: float, memory_bytes: int, pmml_engine: PmmlEngine = "auto"
) -> None:
    """Load the model and score typical wines with it, in another process that ends then, or in time.

    What it costs: a Python process and the model's library, 0.15 s of processor time for ONNX and for PMML that is
    compiled, 1.5 s where it starts Java.

    Args:
        timeout_s: from the start of that process.
        memory_bytes: what it may allocate. Enforced on Linux only: elsewhere there is no such limit to set.
        pmml_engine: what scores PMML.
    Raises:
        ModelUnfit: the model cannot be loaded, not in time, not in this much memory, or the process crashed over it.
        LocalFailure: there is no room for another process or file at present.
    """
    if timeout_s <= 0:
        raise ModelUnfit("there was no time left to load it", "raise --model-load-timeout-s")
    try:
        with scratch_directory() as directory:
            (directory / MODEL).write_bytes(content)
            arguments = [str(model_type), str(timeout_s), str(memory_bytes), pmml_engine]
            exit_code = _run(directory, arguments, timeout_s + GRACE_S)
            said = directory / REASON
            reason, detail = json.loads(said.read_text("utf-8")) if said.exists() else (None, "")
    except OSError as error:
        reason = f"a model cannot be tried out ({error.strerror or error})"
        raise local_failure(error) or LocalFailure(reason) from error
    if exit_code == 0:
        return
    if exit_code in (None, -signal.SIGALRM):
        raise ModelUnfit(f"did not load within {timeout_s:.3g} s", "make it smaller, or raise --model-load-timeout-s")
    if reason is not None and exit_code == NOT_HERE:
        raise LocalFailure(reason)
    if reason is not None:
        problem, _, remedy = reason.rpartition("; ")
        raise ModelUnfit(problem, remedy, detail)
    ended = f"exit code {exit_code}" if exit_code > 0 else signal.Signals(-exit_code).name
    raise ModelUnfit(
        f"ends the process that loads it ({ended})", "if it only takes more memory, raise --model-load-bytes"
    )


def _run(directory: Path, arguments: list[str], timeout_s: float) -> int | None:
    """The exit code; None if it had to be killed."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "model.trial_process", *arguments],
        cwd=directory,  # what a crash leaves behind goes away with it, and so do a killed process' temporary files
        env=environment(directory),
        stdin=subprocess.PIPE,  # nothing comes through it: it closes when this process ends, however it does
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


def environment(directory: Path) -> dict[str, str]:
    """The environment of a trial: what is ``PASSED_ON``, and what is set for it."""
    return {
        **{name: value for name, value in os.environ.items() if name in PASSED_ON},
        "PYTHONPATH": os.pathsep.join(str(Path(each).absolute()) for each in sys.path),
        "TMPDIR": str(directory),
        "OPENBLAS_NUM_THREADS": "1",
    }
