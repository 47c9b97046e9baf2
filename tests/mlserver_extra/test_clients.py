"""Clients of Triton, KServe and MLServer, unchanged, ask a server for scores: the Open Inference Protocol."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.topics import create_topics
from model.features import WINE
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.process import ROOT
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

pytestmark = pytest.mark.thorough

PROGRAMS = ROOT / ".venv-mlserver/bin"
VARIANTS = ("custom_stage", "streams_inmemory")  # one with an event loop of its own, one in faust's
WINES = [[1.0] * 10 + [9.5], [1.0] * 10 + [12.25]]
EXPECTED = [19.0, 24.5]  # twice the alcohol
ACTIVE = "times-2"
DEADLINE_S = 120


@pytest.fixture(scope="module", params=VARIANTS)
def url(
    request: pytest.FixtureRequest, broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """HOST:PORT of a server with the model ``times-2``."""
    variant: str = request.param
    topics = Topics.prefixed(f"clients-{variant}")
    create_topics(broker.bootstrap_servers, topics, 1)
    log = tmp_path_factory.mktemp("clients") / f"{variant}.log"
    with ServerProcess(variant, broker.bootstrap_servers, f"clients-{variant}", log) as server:
        server.wait_until_ready()
        Stream(broker.bootstrap_servers, topics).publish_model(model(ACTIVE, data=times_alcohol(2.0)))
        server.wait_until_state(lambda state: state["name"] == ACTIVE)
        yield f"127.0.0.1:{server.port}"


def test_tritons_client_asks_all_that_it_can_ask(url: str) -> None:
    answers = _run("python", "tests/mlserver_extra/triton_client.py", url, "wine", given=json.dumps(WINES))
    found: dict[str, Any] = json.loads(answers)
    assert [found[each] for each in ("live", "ready", "model ready", "version ready")] == [True] * 4
    assert found["server"]["name"] in VARIANTS
    assert found["metadata"] == found["metadata of the version"]
    assert (found["metadata"]["versions"], found["metadata"]["platform"]) == ([ACTIVE], "ONNX")
    assert [each["shape"] for each in found["metadata"]["inputs"]] == [[-1, len(WINE)]]
    scored = {"id": "a request", "scores": EXPECTED}
    assert found["scores"] == found["scores of the version"] == found["scores of all outputs"] == scored
    assert found["unknown"] == ["404", "no model and no record of data type 'cider' has arrived"]
    assert found["another version ready"] is False
    assert found["too narrow"][0] == found["binary"][0] == "400"
    assert "binary_data=False" in found["binary"][1]


def test_mlservers_own_client_scores_a_file_of_requests(url: str, tmp_path: Path) -> None:
    tensor = {"name": "features", "shape": [len(WINES), len(WINE)], "datatype": "FP64", "data": WINES}
    asked, answered = tmp_path / "asked.json", tmp_path / "answered.json"
    asked.write_text(f"{json.dumps({'inputs': [tensor], 'outputs': [{'name': 'score'}]})}\n" * 3, "utf-8")
    _run("mlserver", "infer", "-u", url, "-m", "wine", "-i", str(asked), "-o", str(answered))
    answers = [json.loads(line) for line in answered.read_text("utf-8").splitlines()]
    assert [each["outputs"][0]["data"] for each in answers] == [EXPECTED] * 3
    assert {each["model_version"] for each in answers} == {ACTIVE}


def _run(program: str, *words: str, given: str = "") -> str:
    command = [str(PROGRAMS / program), *words]
    ended = subprocess.run(
        command, input=given, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
