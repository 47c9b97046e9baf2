"""From a descriptor to a model: what is checked on the way, and what can be loaded again later."""

import errno
import gc
import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import structlog
from onnx import TensorProto, helper, numpy_helper

from model import registry
from model.errors import LocalFailure, ModelRejected, local_failure
from model.inputs import TYPICAL
from model.model import LoadedModel
from model.reasons import MAX_REASON_CHARACTERS
from model.sources.content import AllowedSources
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.models import loading as model_loading
from serving.models.digest import announced_sha256, digest_headers
from serving.models.loading import MAX_KEPT_BYTES, ModelLoading
from serving.settings.server import Settings
from serving.settings.topics import MAX_MESSAGE_BYTES
from tests.support.descriptors import no_descriptors
from tests.support.hostile_models import never_ending
from tests.support.models import times_alcohol

DOUBLE, TRIPLE = times_alcohol(2.0), times_alcohol(3.0)
ALCOHOL = TYPICAL[:, 10]
SUM = hashlib.sha256(DOUBLE).hexdigest()


@pytest.fixture
def loading(tmp_path: Path) -> ModelLoading:
    """With a model root that has a model."""
    (tmp_path / "m.onnx").write_bytes(DOUBLE)
    return ModelLoading.of(Settings.read("program", ["--model-root", str(tmp_path), "--no-trial-load"]))


def at(location: str, kind: str = "ONNX") -> ModelDescriptor:
    return ModelDescriptor(name="m", description="d", dataType="wine", modeltype=kind, location=location)


def sent(data: bytes) -> ModelDescriptor:
    return ModelDescriptor(name="m", dataType="wine", modeltype="ONNX", data=data)


def refused(loading: ModelLoading, descriptor: ModelDescriptor, sha256: str | None = None) -> str:
    with pytest.raises(ModelRejected) as caught:
        loading.load(descriptor, sha256)
    assert caught.value.name == descriptor.name
    assert caught.value.reason.isprintable()
    return caught.value.reason


@pytest.mark.parametrize("location", ["m.onnx", "file:m.onnx", f"m.onnx#sha256={SUM}"])
def test_a_model_at_a_path_serves_and_is_kept_with_its_bytes(location: str, loading: ModelLoading) -> None:
    loaded, kept = loading.load(at(location), SUM)
    assert loaded.model.score(TYPICAL) == pytest.approx(2 * ALCOHOL, rel=1e-6)
    assert (loaded.name, loaded.description, loaded.data_type, loaded.model_type) == ("m", "d", "wine", "ONNX")
    expected = ModelDescriptor(name="m", description="d", dataType="wine", modeltype="ONNX", data=DOUBLE)
    assert kept == expected


def test_a_kept_model_does_not_need_its_file_again(loading: ModelLoading) -> None:
    _, kept = loading.load(at("m.onnx"))
    assert loading.sources.root is not None
    (loading.sources.root / "m.onnx").unlink()
    assert loading.load_again(kept).model.score(TYPICAL) == pytest.approx(2 * ALCOHOL, rel=1e-6)


def test_a_model_too_large_to_be_kept_needs_its_file_again_and_the_same_one(
    loading: ModelLoading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_loading, "MAX_KEPT_BYTES", len(DOUBLE))
    _, kept = loading.load(at("file:m.onnx"))
    assert kept == at(f"file:m.onnx#sha256={SUM}")
    assert loading.load_again(kept).model.score(TYPICAL) == pytest.approx(2 * ALCOHOL, rel=1e-6)
    assert loading.sources.root is not None
    path = loading.sources.root / "m.onnx"
    path.write_bytes(TRIPLE)
    with pytest.raises(ModelRejected, match="is not what was announced: its SHA-256 is"):
        loading.load_again(kept)
    path.unlink()
    with pytest.raises(ModelRejected, match="cannot be read"):
        loading.load_again(kept)


def test_a_model_that_no_changelog_takes_is_refused_even_if_it_came_in_a_message(loading: ModelLoading) -> None:
    """It can: compressed."""
    assert MAX_KEPT_BYTES < MAX_MESSAGE_BYTES
    assert refused(loading, sent(bytes(MAX_KEPT_BYTES))) == (
        "has more than 16,711,680 bytes, which is for a location, not for a message; publish it again"
    )


@pytest.mark.parametrize("descriptor", [sent(DOUBLE), at("m.onnx")], ids=["data", "location"])
def test_another_sum_than_announced_is_refused(descriptor: ModelDescriptor, loading: ModelLoading) -> None:
    other = hashlib.sha256(TRIPLE).hexdigest()
    loading.load(descriptor, SUM.upper())
    assert refused(loading, descriptor, other) == (
        f"is not what was announced: its SHA-256 is {SUM}, not {other}; publish it again"
    )
    for unsound in ("", SUM[:-1], f"{SUM}\n", "x" * 64):
        assert refused(loading, descriptor, unsound).startswith("comes with ")
    if descriptor.location:
        assert refused(loading, at(f"m.onnx#sha256={other}"), SUM).startswith("is not what was announced")


@pytest.mark.parametrize("descriptor", [sent(DOUBLE), at("m.onnx")], ids=["data", "location"])
def test_a_model_larger_than_allowed_is_refused(descriptor: ModelDescriptor, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(DOUBLE)
    loading = ModelLoading(AllowedSources(tmp_path, frozenset(), len(DOUBLE) - 1), 60.0, None)
    assert (
        refused(loading, descriptor)
        == f"has more than {len(DOUBLE) - 1} bytes; make it smaller, or raise --max-model-bytes"
    )


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("m.onnx", "is at a path, and this server reads none; start it with --model-root DIR"),
        ("file:///etc/passwd", "is at a path, and this server reads none; start it with --model-root DIR"),
        ("http://h/m?a=secret", "is at a URL, and this server asks no host; start it with --model-hosts HOST"),
        ("s3://me:secret@bucket/m", "is at 's3://bucket/m...'; only paths, file: and http(s): URLs are read"),
        ("gopher:x", "is at 'gopher:x'; only paths, file: and http(s): URLs are read"),
    ],
)
def test_by_default_no_location_is_read_and_the_remedy_is_named(location: str, reason: str) -> None:
    assert refused(ModelLoading.of(Settings.read("program", [])), at(location)) == reason


def test_what_is_wrong_with_the_descriptor_is_said_before_anything_is_read() -> None:
    loading = ModelLoading.of(Settings.read("program", []))
    assert refused(loading, ModelDescriptor(name="m", location="x")).startswith("its data type is empty")
    assert refused(loading, ModelDescriptor(name="m", dataType="wine")) == "it has no data; send its bytes"


def test_a_saved_model_may_be_a_directory_and_no_other_model(loading: ModelLoading) -> None:
    assert loading.sources.root is not None
    (loading.sources.root / "d").mkdir()
    assert (
        refused(loading, at("d", "TENSORFLOWSAVED"))
        == "has 0 files saved_model.pb; zip the directory of one SavedModel"
    )
    assert refused(loading, at("d")) == "is at a path of a directory, not of a file; publish it again"


def test_a_model_that_never_ends_is_refused_by_default_settings_and_a_limit() -> None:
    loading = ModelLoading.of(Settings.read("program", ["--model-load-timeout-s", "1"]))
    assert "did not load within" in refused(loading, sent(never_ending()))
    assert loading.load(sent(DOUBLE))[0].name == "m"


@pytest.mark.parametrize("hosts", ["a.example", "a.example:80,B-1:8080", "[::1]:8000"])
def test_hosts_are_a_list_in_which_case_does_not_count(hosts: str) -> None:
    settings = Settings.read("program", ["--model-hosts", hosts])
    assert ModelLoading.of(settings).sources.hosts == set(hosts.lower().split(","))


def test_a_model_s_header_says_the_sum_of_its_data() -> None:
    headers = digest_headers(sent(DOUBLE))
    assert headers == [("sha256", SUM)]
    assert digest_headers(at("m.onnx")) == []
    assert announced_sha256([("sha256", SUM.encode())]) == SUM
    assert announced_sha256([("sha256", b"older"), ("other", b"x"), ("sha256", SUM.encode())]) == SUM
    assert announced_sha256([("sha256", b"\xff")]) == "\\xff"
    assert announced_sha256([("sha256", None)]) == ""
    assert announced_sha256([]) is None


def failed_here(loading: ModelLoading, descriptor: ModelDescriptor) -> str:
    """Why this machine, without a free descriptor, could not load it."""
    try:
        with no_descriptors():
            loading.load(descriptor)
    except LocalFailure as failure:
        return failure.reason
    raise AssertionError("it loaded")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prlimit")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a loop that asyncio made half of
@pytest.mark.parametrize("location", ["m.onnx", "http://127.0.0.1:9/m", ""], ids=["file", "http", "trial"])
def test_a_machine_without_a_free_descriptor_is_not_the_model_s_fault(location: str, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(DOUBLE)
    flags = ["--model-root", str(tmp_path), "--model-hosts", "127.0.0.1:9"]
    loading = ModelLoading.of(Settings.read("program", flags))
    descriptor = at(location) if location else sent(DOUBLE)
    assert failed_here(loading, descriptor) == os.strerror(errno.EMFILE)
    gc.collect()  # that loop, here and not in another test


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC])
def test_a_trial_that_cannot_begin_is_not_the_model_s_fault(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("subprocess.Popen", no_process)
    with pytest.raises(LocalFailure, match=os.strerror(number)):
        ModelLoading.of(Settings.read("program", [])).load(sent(DOUBLE))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("can't start new thread"), LocalFailure),
        (MemoryError(), LocalFailure),
        (AssertionError("a library's own"), ModelRejected),
        (KeyError("charset"), ModelRejected),
    ],
)
def test_whatever_reading_a_location_raises_is_this_machine_s_fault_or_the_model_s(
    error: Exception, expected: type[Exception], loading: ModelLoading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr("model.sources.content.read_below", raises)
    with pytest.raises(expected):
        loading.load(at("m.onnx"))


def test_a_lack_of_memory_is_the_fault_of_a_model_that_was_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setitem(registry.FORMATS, ModelDescriptor.ONNX, no_memory)
    tried = ModelLoading(AllowedSources(None, frozenset(), 10**6), 60.0, 2**30)
    monkeypatch.setattr(tried.trials, "try_out", lambda *_: None)
    with pytest.raises(LocalFailure, match="not enough memory"):
        tried.load(sent(DOUBLE))
    with pytest.raises(ModelRejected):
        ModelLoading(AllowedSources(None, frozenset(), 10**6), 60.0, None).load(sent(DOUBLE))


def test_what_a_model_s_location_lacks_is_the_model_s_fault() -> None:
    for number in (errno.ENOENT, errno.EACCES, errno.ECONNREFUSED, errno.ELOOP):
        assert local_failure(OSError(number, os.strerror(number))) is None


def test_a_restart_waits_for_a_machine_that_cannot_load_at_present(
    loading: ModelLoading, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError(errno.EMFILE, "no"), OSError(errno.ENOMEM, "no")])
    load = registry.load

    def fails_twice(descriptor: ModelDescriptor, content: bytes, _: str) -> LoadedModel:
        for failure in failures:
            raise failure
        return load(descriptor, content)

    monkeypatch.setattr(registry, "load", fails_twice)
    monkeypatch.setattr(model_loading, "RETRY_AFTER_S", (0.0, 0.0))
    assert loading.load_again(sent(DOUBLE)).name == "m"
    failures = iter([OSError(errno.EMFILE, "no")] * 3)
    with pytest.raises(LocalFailure):
        loading.load_again(sent(DOUBLE))


def test_a_kept_model_of_a_type_that_is_no_longer_known_is_refused(loading: ModelLoading) -> None:
    kept = sent(DOUBLE)
    kept.modeltype = 9  # type: ignore[assignment]  # from a newer version of this server
    with pytest.raises(ModelRejected, match="model type 9 is unknown"):
        loading.load_again(kept)


def test_the_whole_text_behind_a_reason_is_logged_for_debugging(loading: ModelLoading) -> None:
    words = "oak " * 200
    weights = numpy_helper.from_array(np.ones((5, 1), dtype=np.float32), "w")
    wines = helper.make_tensor_value_info("wines", TensorProto.FLOAT, ["N", 11])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 1])
    node = helper.make_node("MatMul", ["wines", "w"], ["score"], name=words)  # 11 numbers do not fit 5
    graph = helper.make_graph([node], "wine", [wines], [score], [weights])
    unfit = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    with structlog.testing.capture_logs() as said:
        reason = refused(loading, sent(unfit))
    assert len(reason) <= MAX_REASON_CHARACTERS
    (event,) = [each for each in said if each["event"] == "model_refused_in_full"]
    assert (event["log_level"], event["model"]) == ("debug", "m")
    assert "[ONNXRuntimeError]" in event["detail"]
    assert words.strip() in event["detail"]
