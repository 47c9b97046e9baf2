"""Scores of single requests while the model that gives them is replaced."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from fastapi.routing import APIRoute

from model.errors import ModelClosed
from model.features import WINE, Features, Values
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.web import inference
from serving.web.inference import ATTEMPTS, MAX_WAITING, InferenceFailed, InferenceRequest, infer

DEADLINE_S = 10.0
REQUEST = InferenceRequest.model_validate(
    {"inputs": [{"name": "wines", "shape": [2, len(WINE)], "datatype": "FP64", "data": [1.0] * 2 * len(WINE)}]}
)


class Scripted:
    """Gives what it is told; None: it has been closed."""

    def __init__(self, values: Sequence[float] | None) -> None:
        self._values = values

    def score(self, features: Features) -> Values:
        if self._values is None:
            raise ModelClosed
        return np.array(self._values[: len(features)])

    def close(self) -> None: ...


def state(name: str, values: Sequence[float] | None) -> ServingState:
    return ServingState("wine", LoadedModel(name, "", "wine", "ONNX", Scripted(values)), 1, usage=7)


def one_after_the_other(*states: ServingState) -> Callable[[], Sequence[ServingState]]:
    """What is asked the n-th time; the last one from then on."""
    left = list(states)
    return lambda: [left.pop(0) if len(left) > 1 else left[0]]


def test_a_model_that_is_closed_while_it_scores_is_followed_by_its_successor() -> None:
    closed, successor = state("first", None), state("second", [2.0, 3.0])
    answer = infer(one_after_the_other(closed, closed, closed, successor), "wine", REQUEST)
    assert (answer.model_version, answer.outputs[0].data) == ("second", [2.0, 3.0])


def test_a_wine_without_a_score_is_an_error_that_names_it() -> None:
    with pytest.raises(InferenceFailed, match=r"'only' has no score for row 1") as failed:
        infer(one_after_the_other(state("only", [2.0, float("nan")])), "wine", REQUEST)
    assert failed.value.status == 422


def test_it_gives_up_when_each_model_is_replaced_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SUCCESSOR_S", 0)
    states = [state(f"model {number}", None) for number in range(ATTEMPTS + 2)]
    with pytest.raises(InferenceFailed, match="again and again") as failed:
        infer(one_after_the_other(*states), "wine", REQUEST)
    assert failed.value.status == 503


def test_requests_that_their_clients_have_left_count_until_a_model_that_hangs_lets_them_go() -> None:
    hangs = threading.Event()

    class Hanging(Scripted):
        def score(self, features: Features) -> Values:
            hangs.wait()
            return super().score(features)

    loaded = LoadedModel("slow", "", "wine", "ONNX", Hanging([2.0, 3.0]))
    (score,) = (
        route.endpoint
        for route in inference.routes(lambda: [ServingState("wine", loaded, 1)], lambda: None).routes
        if isinstance(route, APIRoute) and route.path.endswith("/{data_type}/infer")
    )

    async def ask() -> None:
        *left, last = [asyncio.create_task(score("wine", REQUEST)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        for each in left:
            each.cancel()
        await asyncio.wait(left)
        with pytest.raises(InferenceFailed, match="wait for their scores") as failed:
            await asyncio.wait_for(score("wine", REQUEST), DEADLINE_S)
        assert failed.value.status == 503
        hangs.set()
        await last  # the thread takes them in order
        answer = await score("wine", REQUEST)
        assert answer.outputs[0].data == [2.0, 3.0]

    asyncio.run(ask())
