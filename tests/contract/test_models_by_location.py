"""Models by location, good and hostile: what all variants read, refuse, and still have after a ``kill -9``."""

import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import Guarantees
from serving.settings.topics import MAX_MESSAGE_BYTES
from tests.contract.accounts import settled
from tests.contract.conftest import SOON_MISSED, Start, put_in_force
from tests.support.hostile_models import ENTITY_BOMB, eating_memory, never_ending, padded, with_entities
from tests.support.models import times_alcohol
from tests.support.pmml_examples import LINEAR
from tests.support.server_process import ServerProcess
from tests.support.stream import ALCOHOL, Stream, headers, model, wine

MAX_MODEL_BYTES = MAX_MESSAGE_BYTES + 2**20
LOAD_TIMEOUT_S = 20  # for what hangs: it binds the good models, too, and the first one's trial has Python to start
LEAST_MEMORY_BYTES = 256 * 2**20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model root, with something beside it that is none of the server's business."""
    (tmp_path / "secret.onnx").write_bytes(times_alcohol(99.0))
    root = tmp_path / "models"
    root.mkdir()
    (root / "good.onnx").write_bytes(times_alcohol(2.0))
    (root / "link.onnx").symlink_to("../secret.onnx")
    (root / "large.onnx").write_bytes(bytes(MAX_MODEL_BYTES + 1))
    return root


class _NoText(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Answer in bytes that are no UTF-8, where there are any."""
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 404 N\xf6 \xff\r\nContent-Type: \xff\r\nContent-Length: 1\r\n\r\n\xff")


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A model host."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _NoText) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def at(name: str, location: str, data_type: str = "wine") -> ModelDescriptor:
    return ModelDescriptor(name=name, dataType=data_type, modeltype="ONNX", location=location)


def in_force(server: ServerProcess, stream: Stream, descriptor: ModelDescriptor) -> None:
    stream.publish_model(descriptor)
    server.wait_until_state(lambda state: state["name"] == descriptor.name, descriptor.dataType)


HOSTILE = {
    "climbs out": (at("h", "../secret.onnx"), "leads out of the model root"),
    "climbs out by a link": (at("h", "link.onnx"), "leads out of the model root"),
    "too large": (at("h", "large.onnx"), f"has more than {MAX_MODEL_BYTES:,} bytes"),
    "another sum": (at("h", f"good.onnx#sha256={'0' * 64}"), "is not what was announced"),
    "a host that nobody named": (at("h", "http://169.254.169.254/m"), "--model-hosts"),
    "an entity bomb": (model("h", "PMML", with_entities(LINEAR, ENTITY_BOMB, "&a9;")), "has a <!DOCTYPE PMML>"),
    "never ends": (model("h", data=never_ending()), "did not load within"),
    "eats memory": (model("h", data=eating_memory()), "allocate memory"),
}


def test_hostile_models_are_refused_each_with_its_reason_and_the_current_one_goes_on(
    start: Start, stream: Stream, variant: str, root: Path, host: str
) -> None:
    hostile = {**HOSTILE, "no text": (at("h", f"http://{host}/m"), "/m: the answer is 404 N\\xf6 \\xff")}
    server = start(
        *("--model-hosts", host, "--model-root", str(root), "--max-model-bytes", str(MAX_MODEL_BYTES)),
        *("--model-load-timeout-s", str(LOAD_TIMEOUT_S), "--model-load-bytes", str(LEAST_MEMORY_BYTES)),
    ).wait_until_ready()
    name = put_in_force(server, stream, 1.0)
    for key, (descriptor, _) in hostile.items():
        stream.publish(stream.topics.models, descriptor.SerializeToString(), key.encode())
    stream.flush()
    stream.publish_wines(["meanwhile"])
    assert stream.scores_of(["meanwhile"])[-1].model_name == name
    for key, (descriptor, reason) in hostile.items():
        if key == "eats memory" and sys.platform != "linux":
            continue
        letter = stream.dead_letter(key.encode())
        assert reason in headers(letter)["reason"], key
        assert letter.value() == descriptor.SerializeToString()
    assert server.state()["name"] == (name if sys.platform == "linux" else "h")
    in_force(server, stream, at("good", "file:good.onnx"))
    stream.publish_wines(["after"])
    assert stream.scores_of(["after"])[-1].value == pytest.approx(2 * ALCOHOL, rel=1e-6)


def test_a_located_model_is_kept_with_its_bytes_and_a_larger_one_with_its_location(
    start: Start, stream: Stream, promised: Guarantees, root: Path
) -> None:
    if not promised.model_survives.model_topic_emptied:
        pytest.skip("it keeps no model: what it has after a restart it reads from the topic, and the location, again")
    flags = (*SOON_MISSED, "--model-root", str(root))
    server = start(*flags).wait_until_ready()
    large = padded(times_alcohol(3.0), MAX_MESSAGE_BYTES)
    (root / "large.onnx").write_bytes(large)
    in_force(server, stream, at("small", "good.onnx"))
    in_force(server, stream, at("large", "large.onnx", "cider"))
    stream.publish_wines(["wine"])
    stream.publish_wines(["cider"], wine("cider"))
    stream.scores_of(["wine", "cider"])
    settled(stream, server)  # not only on its disk: the changelog has taken it
    server.kill()
    stream.reading.empty(stream.topics.models)
    (root / "good.onnx").unlink()
    again = start(*flags).wait_until_ready()
    assert (again.state()["name"], again.state("cider")["name"]) == ("small", "large")
    stream.publish_wines(["wine again"])
    stream.publish_wines(["cider again"], wine("cider"))
    scores = {score.record_id: score.value for score in stream.scores_of(["wine again", "cider again"])}
    assert scores["wine again"] == pytest.approx(2 * ALCOHOL, rel=1e-6)
    assert scores["cider again"] == pytest.approx(3 * ALCOHOL, rel=1e-6)
