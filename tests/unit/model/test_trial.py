"""Models that do harm, in the process of a trial: what the caller is told, how soon, and what is left behind."""

import json
import sys
import tempfile
import time
from pathlib import Path

import pytest

from model import trial
from model.errors import LocalFailure
from model.trial import GRACE_S, try_out
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.hostile_models import eating_memory, never_ending
from tests.support.models import times_alcohol

ONNX = ModelDescriptor.ONNX
SMALL_BYTES = 256 * 2**20
PLENTY_BYTES = 2 * 2**30
SOON_S = 1.0


def refused(content: bytes, timeout_s: float = 60.0, memory_bytes: int = SMALL_BYTES) -> str:
    """The reason of a trial."""
    with pytest.raises(ValueError, match=r"^\S.*\S$") as caught:
        try_out(ONNX, content, timeout_s, memory_bytes)
    return str(caught.value)


def test_a_model_that_serves_passes() -> None:
    refusal = None
    try:
        try_out(ONNX, times_alcohol(2.0), 60.0, SMALL_BYTES)
    except ValueError as error:
        refusal = str(error)
    assert refusal is None


def test_what_is_wrong_with_a_model_is_said_as_without_a_trial() -> None:
    assert refused(b"\x08\x08garbage") == (
        "is no ONNX model (protobuf), or not all of one; send the file's bytes as they are"
    )


def test_a_model_that_never_ends_is_ended_in_time_by_its_own_process() -> None:
    started_s = time.monotonic()
    assert (
        refused(never_ending(), SOON_S) == "did not load within 1 s; make it smaller, or raise --model-load-timeout-s"
    )
    assert time.monotonic() - started_s < SOON_S + GRACE_S  # else it was killed from outside


def test_a_process_that_does_not_end_itself_is_killed_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(trial, "GRACE_S", -19 * SOON_S)  # long before its alarm rings, that is
    started_s = time.monotonic()
    assert refused(never_ending(), 20 * SOON_S) == (
        "did not load within 20 s; make it smaller, or raise --model-load-timeout-s"
    )
    assert time.monotonic() - started_s < 10 * SOON_S
    assert list(tmp_path.iterdir()) == []


def test_without_time_left_nothing_is_started() -> None:
    assert refused(times_alcohol(1.0), 0.0) == "there was no time left to load it; raise --model-load-timeout-s"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process allocates")
def test_a_model_that_eats_memory_is_refused_for_it() -> None:
    assert "ailed to allocate memory" in refused(eating_memory())
    try_out(ONNX, eating_memory(), 60.0, PLENTY_BYTES)  # there is nothing else wrong with it


def test_a_model_over_which_the_process_crashes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refused(times_alcohol(1.0)) == (
        "ends the process that loads it (SIGSEGV); if it only takes more memory, raise --model-load-bytes"
    )


def test_a_disk_that_is_full_is_this_machine_s_failure_and_not_the_model_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(LocalFailure, match=r"a model cannot be tried out \(No such file or directory\); raise its"):
        try_out(ONNX, times_alcohol(1.0), 60.0, SMALL_BYTES)


def test_a_process_that_cannot_be_started_is_this_machine_s_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(LocalFailure, match=r"a model cannot be tried out \(No such file or directory\); raise its"):
        try_out(ONNX, times_alcohol(1.0), 60.0, SMALL_BYTES)


TELLS_ITS_ENVIRONMENT = "import json, os, pathlib; pathlib.Path({path!r}).write_text(json.dumps(dict(os.environ)))"


def test_the_process_gets_no_secret_and_nothing_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "environment.json"
    (tmp_path / "onnxruntime.py").write_text(TELLS_ITS_ENVIRONMENT.format(path=str(told)))
    monkeypatch.syspath_prepend(str(tmp_path))
    secrets = ("KAFKA_SASL_PASSWORD", "SERVING_HTTP_TOKEN", "AWS_SECRET_ACCESS_KEY", "JDK_JAVA_OPTIONS", "UNKNOWN")
    for name in secrets:
        monkeypatch.setenv(name, "secret")
    refused(times_alcohol(1.0))  # the module in place of onnxruntime has nothing in it
    environment = json.loads(told.read_text())
    assert "secret" not in environment.values()
    assert environment.keys() <= trial.PASSED_ON | {"PYTHONPATH", "TMPDIR", "OPENBLAS_NUM_THREADS"}
