"""Single scores over HTTP: the Open Inference Protocol, by the active model, and outside the stream."""

import http.client
import json
import random
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from model.features import WINE
from tests.contract.accounts import SCORED
from tests.contract.conftest import Serving, Start, put_in_force
from tests.support.server_process import ServerProcess

SOME_WINE = dict.fromkeys(WINE, 1.0) | {"alcohol": 9.5}
ANOTHER = SOME_WINE | {"alcohol": 12.25, "pH": 3.5}
SWAPS, ASKING = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 2


def post(server: ServerProcess, body: Any, data_type: str = "wine") -> tuple[int, Any]:
    """Status and JSON of the answer; ``body`` is bytes, or JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"http://127.0.0.1:{server.port}/v2/models/{data_type}/infer"
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def together(*wines: dict[str, float]) -> dict[str, Any]:
    """One tensor of shape (n, 11)."""
    data = [[wine[name] for name in WINE] for wine in wines]
    return {"inputs": [{"name": "wines", "shape": [len(wines), len(WINE)], "datatype": "FP64", "data": data}]}


def by_feature(*wines: dict[str, float]) -> dict[str, Any]:
    """A tensor for each feature, in any order."""
    names = random.Random(1).sample(WINE, len(WINE))
    inputs = [
        {"name": name, "shape": [len(wines), 1], "datatype": "FP64", "data": [wine[name] for wine in wines]}
        for name in names
    ]
    return {"id": "a request", "inputs": inputs, "outputs": [{"name": "score"}]}


def scores(answer: Any) -> list[float]:
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("score", "FP64", [len(output["data"])])
    data: list[float] = output["data"]
    return data


def test_wines_are_scored_by_the_active_model_and_counted_nowhere(serving: Serving) -> None:
    server = serving.server
    put_in_force(server, serving.stream, 2.0)
    before = server.state(), server.metric(SCORED)
    status, answer = post(server, together(SOME_WINE, ANOTHER))
    assert status == 200, answer
    assert (answer["model_name"], answer["model_version"]) == ("wine", "times 2.0")
    assert scores(answer) == [19.0, 24.5]
    assert (server.state(), server.metric(SCORED)) == before


def test_features_may_come_one_by_one_in_any_order(serving: Serving) -> None:
    put_in_force(serving.server, serving.stream, 2.0)
    status, answer = post(serving.server, by_feature(SOME_WINE, ANOTHER))
    assert (status, answer["id"], scores(answer)) == (200, "a request", [19.0, 24.5])


def test_the_metadata_says_what_to_send(serving: Serving) -> None:
    put_in_force(serving.server, serving.stream, 2.0)
    status, known = serving.server.get("/v2/models/wine")
    assert (status, known["name"], known["versions"], known["platform"]) == (200, "wine", ["times 2.0"], "ONNX")
    assert [each["shape"] for each in known["inputs"]] == [[-1, len(WINE)]]
    assert serving.server.get("/v2/models/wine/ready") == (200, {"name": "wine", "ready": True})
    assert serving.server.get("/v2/health/live") == (200, {"live": True})
    assert serving.server.get("/v2/health/ready") == (200, {"ready": True})


def test_while_models_change_each_answer_is_of_one_model_which_it_names(serving: Serving) -> None:
    server, over, answers = serving.server, threading.Event(), list[tuple[int, Any]]()

    def ask() -> None:
        while not over.is_set():
            answers.append(post(server, together(*[SOME_WINE] * 50)))

    put_in_force(server, serving.stream, 9.0)
    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(ask) for _ in range(ASKING)]
        for factor in SWAPS:
            put_in_force(server, serving.stream, factor)
        over.set()
        for each in asking:
            each.result()
    assert {status for status, _ in answers} == {200}
    named = {float(answer["model_version"].removeprefix("times ")) for _, answer in answers}
    assert len(named) > 1
    assert named <= {9.0, *SWAPS}
    for _, answer in answers:
        assert set(scores(answer)) == {9.5 * float(answer["model_version"].removeprefix("times "))}


def test_a_version_may_be_asked_for_and_is_the_active_models_name(serving: Serving) -> None:
    server = serving.server
    put_in_force(server, serving.stream, 2.0)
    active, former = "wine/versions/times%202.0", "wine/versions/times%201.0"
    status, answer = post(server, together(SOME_WINE), active)
    assert (status, scores(answer)) == (200, [19.0])
    assert server.get(f"/v2/models/{active}") == server.get("/v2/models/wine")
    assert server.get(f"/v2/models/{active}/ready") == (200, {"name": "wine", "ready": True})
    assert post(server, together(SOME_WINE), former)[0] == 404
    assert [server.get(f"/v2/models/{former}{path}")[0] for path in ("", "/ready")] == [404, 404]


def test_a_client_may_name_no_content_type_as_tritons_does(serving: Serving) -> None:
    put_in_force(serving.server, serving.stream, 2.0)
    connection = http.client.HTTPConnection("127.0.0.1", serving.server.port, timeout=10)
    with closing(connection):
        connection.request("POST", "/v2/models/wine/infer", json.dumps(together(SOME_WINE)))
        answer = connection.getresponse()
        assert (answer.status, scores(json.load(answer))) == (200, [19.0])


def test_the_server_says_what_it_is(serving: Serving, variant: str) -> None:
    status, known = serving.server.get("/v2")
    assert (status, known["name"], known["extensions"]) == (200, variant, [])


TENSOR = together(SOME_WINE)["inputs"][0]
COLUMNS = by_feature(SOME_WINE)["inputs"]
NO_REQUESTS = {
    "no JSON": b"{",
    "no inputs": {"inputs": []},
    "text": {"inputs": [TENSOR | {"data": ["9.5"] * 11}]},
    "null": {"inputs": [TENSOR | {"data": [None] * 11}]},
    "truth": {"inputs": [TENSOR | {"data": [True] * 11}]},
    "NaN": json.dumps({"inputs": [TENSOR | {"data": [float("nan")] * 11}]}).encode(),
    "infinite as FP32": {"inputs": [TENSOR | {"datatype": "FP32", "data": [1e300] * 11}]},
    "fractions as INT64": {"inputs": [TENSOR | {"datatype": "INT64", "data": [0.5] * 11}]},
    "beyond INT64": {"inputs": [TENSOR | {"datatype": "INT64", "data": [2**70] * 11}]},
    "beyond INT32": {"inputs": [TENSOR | {"datatype": "INT32", "data": [2**40] * 11}]},
    "ragged": {"inputs": [TENSOR | {"data": [[1.0], [1.0, 2.0]]}]},
    "fewer than the shape": {"inputs": [TENSOR | {"data": [1.0] * 10}]},
    "ten features": {"inputs": [TENSOR | {"shape": [1, 10], "data": [1.0] * 10}]},
    "a negative shape": {"inputs": [TENSOR | {"shape": [-1, 11]}]},
    "a shape of three": {"inputs": [TENSOR | {"shape": [1, 1, 11]}]},
    "an unknown type": {"inputs": [TENSOR | {"datatype": "BYTES"}]},
    "a feature twice": {"inputs": [*COLUMNS[:10], COLUMNS[0]]},
    "columns of unlike length": {"inputs": [*COLUMNS[:10], *by_feature(ANOTHER, ANOTHER)["inputs"][10:]]},
    "nested too deeply": b'{"inputs":' + b"[" * 50_000,
}


@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
def test_what_is_no_request_for_wines_is_refused_with_a_reason(serving: Serving, body: Any) -> None:
    status, answer = post(serving.server, body)
    assert status == 400
    assert "error" in answer


def test_a_request_that_is_too_long_is_refused(serving: Serving) -> None:
    status, answer = post(serving.server, b" " * (1024 * 1024 + 1))
    assert (status, "1048576 bytes" in answer["error"]) == (413, True)


def test_without_a_model_there_is_no_score(start: Start) -> None:
    server = start().wait_until_ready()
    status, answer = post(server, together(SOME_WINE))
    assert (status, "no model" in answer["error"]) == (503, True)
    assert server.get("/v2/models/wine/ready")[0] == 503
    status, answer = post(server, together(SOME_WINE), "cider")
    assert (status, "cider" in answer["error"]) == (404, True)
