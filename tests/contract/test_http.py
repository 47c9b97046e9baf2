"""The HTTP interface that every server has."""

import base64
import json
import re
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.engine import Guarantees
from tests.contract.accounts import SCORED, settled
from tests.contract.conftest import Serving, Start
from tests.support.server_process import QUERIES, ServerProcess


def text(server: ServerProcess, path: str) -> tuple[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def status(port: int, path: str, authorization: str = "", host: str = "127.0.0.1") -> int:
    headers = {"Authorization": authorization, "Host": host}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{quote(path, safe='/?=&')}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            code: int = answer.status
            return code
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_before_the_first_model_a_state_has_nulls_never_sentinel_numbers(start: Start) -> None:
    state = start().wait_until_ready().state()
    nothing_yet = ("name", "description", "model_type", "since", "min", "max", "mean")
    assert {name: state[name] for name in nothing_yet} == dict.fromkeys(nothing_yet)
    assert (state["usage"], state["duration"], state["skipped"], state["dead_letters"]) == (0, 0, 0, 0)


def test_a_state_counts_what_the_model_in_force_has_scored(serving: Serving) -> None:
    before = serving.server.state()["usage"]
    serving.stream.publish_wines(f"counted-{number}" for number in range(25))
    state = serving.server.wait_until_state(lambda state: state["usage"] >= before + 25)
    assert state["usage"] == before + 25
    assert (state["name"], state["model_type"], state["data_type"]) == ("times 1.0", "ONNX", "wine")
    assert state["description"] == "times 1.0 for tests"
    assert 0 < state["min"] <= state["mean"] <= state["max"] <= state["duration"]
    assert state["mean"] == pytest.approx(state["duration"] / state["usage"])


def test_the_metrics_are_prometheus_s_and_count_the_same_records(serving: Serving) -> None:
    serving.stream.publish_wines(["metered"])
    serving.stream.scores_of(["metered"])
    settled(serving.stream, serving.server)
    content_type, exposed = text(serving.server, "/metrics")
    assert content_type.startswith("text/plain; version=0.0.4")
    samples = {sample.name: sample.value for each in text_string_to_metric_families(exposed) for sample in each.samples}
    assert samples[SCORED] == serving.server.get("/live")[1]["view"]["total"] > 0
    assert samples["serving_broker_connected"] == 1
    assert samples["serving_models_accepted_total"] >= 1


def test_pages_load_nothing_from_elsewhere(serving: Serving) -> None:
    for path in ("/", "/docs"):
        content_type, page = text(serving.server, path)
        assert content_type.startswith("text/html")
        assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"']*""", page)


def test_the_openapi_page_describes_every_path(serving: Serving, variant: str, promised: Guarantees) -> None:
    described = serving.server.get("/openapi.json")[1]
    between_instances = {"/state/instance", "/state/local"} if "/state/value" in promised.queryable else set()
    assert set(described["paths"]) == {
        *promised.queryable,
        *between_instances,
        *("/healthz", "/metrics", "/live", "/v2/health/live", "/v2/health/ready"),
        "/v2",
        *(
            f"/v2/models/{{data_type}}{version}{asked}"
            for version in ("", "/versions/{version}")
            for asked in ("", "/ready", "/infer")
        ),
    }
    assert described["info"]["title"] == variant


def test_with_a_token_every_path_but_healthz_asks_for_it(start: Start) -> None:
    token = "0123456789abcdef"
    server = start("--http-token", token).wait_until_ready()  # by /healthz
    port, paths = server.port, ("/", "/live", "/metrics", "/docs", "/openapi.json", "/v2/health/live")
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    for path in paths:
        assert (
            status(port, path) == status(port, path, "Bearer 0123456789abcdeX") == status(port, path, "Basic x") == 401
        )
        assert status(port, path, f"Bearer {token}") == status(port, path, f"Basic {basic}") == 200
        assert status(port, path, f"Bearer {token}", host="evil.example") == 200, (
            "who has the token may come by any name"
        )
    described = urllib.request.Request(
        f"http://127.0.0.1:{port}/openapi.json", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(described, timeout=5) as answer:
        every = json.load(answer)["paths"]
    assert {path for path in every if status(port, path) != 401} == {"/healthz"}, "the paths of this variant, too"


def test_without_a_token_no_page_from_elsewhere_reads_it_under_a_name_of_its_own(
    serving: Serving, variant: str
) -> None:
    port = serving.server.port
    for path in ("/", "/live", "/metrics", "/docs", "/openapi.json", QUERIES[variant].format("wine")):
        assert status(port, path, host="evil.example") == status(port, path, host=f"evil.example:{port}") == 400
        assert status(port, path, host=f"localhost:{port}") == 200
    assert status(port, "/healthz", host="evil.example") == 200
