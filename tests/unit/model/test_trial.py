"""Models that do harm, in the process of a trial: what the caller is told, how soon, and what is left behind."""

import sys
import tempfile
import time
from pathlib import Path

import pytest

from model import trial
from model.trial import GRACE_S, try_out
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.hostile_models import eating_memory, never_ending
from tests.models import times_alcohol

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
    try_out(ONNX, times_alcohol(2.0), 60.0, SMALL_BYTES)


def test_what_is_wrong_with_a_model_is_said_as_without_a_trial() -> None:
    assert refused(b"\x08\x08garbage").startswith("onnxruntime cannot load it: ")


def test_a_model_that_never_ends_is_ended_in_time_by_its_own_process() -> None:
    started_s = time.monotonic()
    assert refused(never_ending(), SOON_S) == "did not load within 1 s (--model-load-timeout-s)"
    assert time.monotonic() - started_s < SOON_S + GRACE_S  # else it was killed from outside


def test_a_process_that_does_not_end_itself_is_killed_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(trial, "GRACE_S", -19 * SOON_S)  # long before its alarm rings, that is
    started_s = time.monotonic()
    assert refused(never_ending(), 20 * SOON_S) == "did not load within 20 s (--model-load-timeout-s)"
    assert time.monotonic() - started_s < 10 * SOON_S
    assert list(tmp_path.iterdir()) == []


def test_without_time_left_nothing_is_started() -> None:
    assert refused(times_alcohol(1.0), 0.0) == "there was no time left to load it"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process allocates")
def test_a_model_that_eats_memory_is_refused_for_it() -> None:
    assert "ailed to allocate memory" in refused(eating_memory())
    try_out(ONNX, eating_memory(), 60.0, PLENTY_BYTES)  # there is nothing else wrong with it


def test_a_model_over_which_the_process_crashes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert refused(times_alcohol(1.0)) == (
        "ends the process that loads it (SIGSEGV); it may take more memory than --model-load-bytes"
    )


def test_a_disk_that_is_full_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert refused(times_alcohol(1.0)) == "cannot be tried out on this machine (No such file or directory)"
