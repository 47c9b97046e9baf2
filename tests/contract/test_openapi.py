"""The servers do what their OpenAPI pages say, for any request: schemathesis tries."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.contract.conftest import Serving, Start, put_in_force
from tests.support.hostile_input import ODD_TYPE
from tests.support.models import times_alcohol
from tests.support.stream import Stream, model

TOKEN = "0123456789abcdef"
EXAMPLES = 20
# Of the five, two have paths of their own; the three streams variants have theirs in common. Most is of all.
PAGES = (
    "custom_stage",
    pytest.param("streams_kvstore", marks=pytest.mark.thorough),
    pytest.param("actors_persistent", marks=pytest.mark.thorough),
)


@pytest.fixture(params=PAGES, scope="module")
def variant(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def tried(port: int, directory: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """What schemathesis says of a page: the same requests each time, every check that it has.

    As a program: its pytest plugin does not work with this version of pytest.
    """
    words = ["run", f"http://127.0.0.1:{port}/openapi.json", "--checks", "all", "--no-color", *flags]
    words += ["--generation-deterministic", "--max-examples", str(EXAMPLES)]
    python = [sys.executable, "-m", "schemathesis.cli", *words]
    return subprocess.run(python, cwd=directory, capture_output=True, text=True, timeout=120)


def answers_as_its_page_says(port: int, directory: Path, *flags: str) -> None:
    asked = tried(port, directory, "--include-method", "GET", *flags)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    # No schema can say that a tensor's data has as many numbers as its shape.
    posted = tried(port, directory, "--include-method", "POST", "--exclude-checks", "positive_data_acceptance", *flags)
    assert posted.returncode == 0, posted.stdout + posted.stderr


def test_a_server_answers_as_its_page_says(serving: Serving, tmp_path: Path) -> None:
    serving.stream.publish_wines(["one that was scored"])
    put_in_force(serving.server, serving.stream, 2.0, ODD_TYPE)
    answers_as_its_page_says(serving.server.port, tmp_path)
    assert serving.server.get("/healthz")[0] == 200


@pytest.mark.thorough  # that each path of each variant asks for the token: test_http
@pytest.mark.parametrize("variant", ["custom_stage", "streams_kvstore"], indirect=True)
def test_a_server_with_a_token_answers_as_its_page_says(start: Start, stream: Stream, tmp_path: Path) -> None:
    server = start("--http-token", TOKEN).wait_until_ready()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/openapi.json", headers=bearer)
    with urllib.request.urlopen(request, timeout=5) as answer:
        paths = json.load(answer)["paths"]
    operations = {path: next(iter(methods.values())) for path, methods in paths.items()}
    refusing = {path for path, operation in operations.items() if "401" in operation["responses"]}
    asking = {path for path, operation in operations.items() if operation.get("security")}
    assert refusing == asking == paths.keys() - {"/healthz"}
    stream.publish_model(model("times 1", data=times_alcohol(1.0)))
    server.wait_until_said("Model serving - times 1")
    answers_as_its_page_says(server.port, tmp_path, "--header", f"Authorization: Bearer {TOKEN}")
    assert server.get("/healthz")[0] == 200
