"""Models that do harm, in the process of a trial: what the caller is told, how soon, and what is left behind."""

import errno
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from client.provider.shipped_models import shipped_models
from model import trial
from model.errors import LocalFailure
from model.trial import GRACE_S, Trials
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.hostile_models import eating_memory, never_ending
from tests.support.models import times_alcohol
from tests.support.process import eventually, runs
from tests.support.trials import processes_of_trials

ONNX = ModelDescriptor.ONNX
SMALL_BYTES = 256 * 2**20
PLENTY_BYTES = 2 * 2**30
SOON_S = 1.0


@pytest.fixture
def trials() -> Iterator[Trials]:
    """Without a process at first."""
    trials = Trials()
    yield trials
    trials.close()
    assert processes_of_trials() == []


def refused(trials: Trials, content: bytes, timeout_s: float = 60.0, memory_bytes: int = SMALL_BYTES) -> str:
    """The reason of a trial."""
    with pytest.raises(ValueError, match=r"^\S.*\S$") as caught:
        trials.try_out(ONNX, content, timeout_s, memory_bytes)
    return str(caught.value)


def passes(trials: Trials, content: bytes, memory_bytes: int = SMALL_BYTES) -> bool:
    """Whether a trial has nothing to say against it."""
    try:
        trials.try_out(ONNX, content, 60.0, memory_bytes)
    except ValueError:
        return False
    return True


def test_a_model_that_serves_passes(trials: Trials) -> None:
    assert passes(trials, times_alcohol(2.0))


def test_what_is_wrong_with_a_model_is_said_as_without_a_trial(trials: Trials) -> None:
    assert refused(trials, b"\x08\x08garbage") == (
        "is no ONNX model (protobuf), or not all of one; send the file's bytes as they are"
    )


def test_a_model_that_never_ends_is_ended_in_time_by_its_own_process(trials: Trials) -> None:
    started_s = time.monotonic()
    assert (
        refused(trials, never_ending(), SOON_S)
        == "did not load within 1 s; make it smaller, or raise --model-load-timeout-s"
    )
    assert time.monotonic() - started_s < SOON_S + GRACE_S  # else it was killed from outside


def test_a_process_that_does_not_end_itself_is_killed_and_leaves_nothing_behind(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(trial, "GRACE_S", -19 * SOON_S)  # long before its alarm rings, that is
    started_s = time.monotonic()
    assert refused(trials, never_ending(), 20 * SOON_S) == (
        "did not load within 20 s; make it smaller, or raise --model-load-timeout-s"
    )
    assert time.monotonic() - started_s < 10 * SOON_S
    assert list(tmp_path.iterdir()) == []
    assert processes_of_trials() == []


def test_without_time_left_nothing_is_started(trials: Trials) -> None:
    assert refused(trials, times_alcohol(1.0), 0.0) == "there was no time left to load it; raise --model-load-timeout-s"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process allocates")
def test_a_model_that_eats_memory_is_refused_for_it(trials: Trials) -> None:
    assert "ailed to allocate memory" in refused(trials, eating_memory())
    assert passes(trials, eating_memory(), PLENTY_BYTES)  # there is nothing else wrong with it


def test_a_model_over_which_the_process_crashes_is_refused(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refused(trials, times_alcohol(1.0)) == (
        "ends the process that loads it (SIGSEGV); if it only takes more memory, raise --model-load-bytes"
    )


def test_a_disk_that_is_full_is_this_machine_s_failure_and_not_the_model_s(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(LocalFailure, match=r"a model cannot be tried out \(No such file or directory\); raise its"):
        trials.try_out(ONNX, times_alcohol(1.0), 60.0, SMALL_BYTES)


def test_a_process_that_cannot_be_started_is_this_machine_s_failure(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(LocalFailure, match=r"a model cannot be tried out \(No such file or directory\); raise its"):
        trials.try_out(ONNX, times_alcohol(1.0), 60.0, SMALL_BYTES)


TELLS_ITS_ENVIRONMENT = "import json, os, pathlib; pathlib.Path({path!r}).write_text(json.dumps(dict(os.environ)))"


def test_the_process_gets_no_secret_and_nothing_unknown(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "environment.json"
    (tmp_path / "onnxruntime.py").write_text(TELLS_ITS_ENVIRONMENT.format(path=str(told)))
    monkeypatch.syspath_prepend(str(tmp_path))
    secrets = ("KAFKA_SASL_PASSWORD", "SERVING_HTTP_TOKEN", "AWS_SECRET_ACCESS_KEY", "JDK_JAVA_OPTIONS", "UNKNOWN")
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    refused(trials, times_alcohol(1.0))  # the module in place of onnxruntime has nothing in it
    environment = json.loads(told.read_text())
    assert "secret" not in environment.values()
    known = {"PYTHONPATH", "TMPDIR", "OPENBLAS_NUM_THREADS", "ORT_DISABLE_TELEMETRY"}
    assert environment.keys() <= trial.PASSED_ON | known


NO_PYTHON = "/nowhere/python"  # no further process can be started with it
forks = pytest.mark.skipif(sys.platform == "darwin", reason="a process of macOS cannot be forked safely")


@forks
def test_the_next_trial_starts_nothing_whatever_the_last_one_did(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert passes(trials, times_alcohol(1.0))
    monkeypatch.setattr(sys, "executable", NO_PYTHON)
    assert "is no ONNX model" in refused(trials, b"\x08\x08garbage")
    assert "did not load within 1 s" in refused(trials, never_ending(), SOON_S)
    assert "ailed to allocate memory" in refused(trials, eating_memory())
    assert passes(trials, times_alcohol(2.0))


COUNTS_ITSELF = """
import json, os, pathlib, sys
sys.times_tried = getattr(sys, "times_tried", 0) + 1
with pathlib.Path({path!r}).open("a") as file:
    file.write(json.dumps([os.getpid(), os.getppid(), os.getcwd(), sys.times_tried]) + "\\n")
"""


@forks
def test_no_trial_sees_what_another_has_left_in_its_process(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    (tmp_path / "onnxruntime.py").write_text(COUNTS_ITSELF.format(path=str(told)))
    monkeypatch.syspath_prepend(str(tmp_path))
    for _ in range(3):
        refused(trials, times_alcohol(1.0))  # the module in place of onnxruntime has nothing in it
    pids, parents, directories, times = zip(*map(json.loads, told.read_text().splitlines()), strict=True)
    assert len(set(pids)) == len(set(directories)) == 3
    assert [*set(parents)] == processes_of_trials()
    assert times == (1, 1, 1)


def test_a_process_that_was_killed_while_it_waited_is_no_fault_of_the_next_model(trials: Trials) -> None:
    assert passes(trials, times_alcohol(1.0))
    for pid in (waiting := processes_of_trials()):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(runs, waiting)), "it is dead")
    assert passes(trials, times_alcohol(1.0))


KILLS_ITS_PARENT = """
import os, pathlib, signal
pathlib.Path({path!r}).write_text(str(os.getpid()))
os.kill(os.getppid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@forks
def test_a_model_that_kills_the_process_that_waits_is_refused_and_outlived(
    trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid"
    (tmp_path / "onnxruntime.py").write_text(KILLS_ITS_PARENT.format(path=str(told)))
    with monkeypatch.context() as hostile:
        hostile.syspath_prepend(str(tmp_path))
        assert "ends the process that loads it (SIGKILL)" in refused(trials, times_alcohol(1.0))
    eventually(lambda: not runs(int(told.read_text())), "its own process, which has stopped, is dead, too")
    assert passes(trials, times_alcohol(1.0))


FORK_FAILS = f"import os\ndef fork(): raise OSError({errno.EAGAIN}, '')\nos.fork = fork"
THREAD_FAILS = """
import threading
def start(self): raise RuntimeError("can't start new thread")
threading.Thread.start = start
"""


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        pytest.param(FORK_FAILS, os.strerror(errno.EAGAIN), marks=forks, id="process"),
        pytest.param(THREAD_FAILS, "can't start new thread", id="thread"),
    ],
)
def test_a_trial_without_a_process_or_a_thread_is_this_machine_s_failure(
    patch: str, reason: str, trials: Trials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(patch)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LocalFailure) as caught:
        trials.try_out(ONNX, times_alcohol(1.0), 60.0, SMALL_BYTES)
    assert caught.value.reason == reason


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
def test_the_process_that_waits_has_one_thread_and_neither_java_nor_tensorflow(trials: Trials) -> None:
    kinds = set()
    for model in shipped_models():
        trials.try_out(model.modeltype, model.data, 60.0, PLENTY_BYTES)
        kinds.add(model.modeltype)
    assert {ModelDescriptor.ONNX, ModelDescriptor.PMML, ModelDescriptor.TENSORFLOW} <= kinds
    assert passes(trials, times_alcohol(1.0))  # begun when all that is imported in advance has been
    (waiting,) = map(psutil.Process, processes_of_trials())
    mapped = " ".join(each.path for each in waiting.memory_maps())
    assert "onnxruntime" in mapped
    assert "libjvm" not in mapped
    assert "tensorflow" not in mapped
    assert waiting.num_threads() == 1  # else a fork may find a lock taken by a thread that it does not have


def test_trials_keep_two_descriptors_however_many_there_were(trials: Trials) -> None:
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(3):
        assert passes(trials, times_alcohol(1.0))
        assert process.num_fds() <= before + 2
    trials.close()
    assert process.num_fds() == before
