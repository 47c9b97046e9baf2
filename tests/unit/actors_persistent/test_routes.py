"""The paths that answer for the actors' state."""

import asyncio
from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.routing import APIRoute

from actors_persistent.state import routes
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.web.answers import StateAnswer
from tests.unit.actors_persistent.conftest import Scripted


def asked(path: str, *states: ServingState, **parameters: str) -> Any:
    (endpoint,) = (
        route.endpoint for route in routes(lambda: states).routes if isinstance(route, APIRoute) and route.path == path
    )
    return asyncio.run(endpoint(**parameters))


WINE = ServingState("wine", LoadedModel("linear", "a line", "wine", "ONNX", Scripted(5.0, [])), 77, usage=2)
BEER = ServingState("beer", skipped=3)


def test_models_are_those_in_force_with_when_they_took_over() -> None:
    (answer,) = asked("/models", BEER, WINE)
    assert answer.model_dump() == {
        "data_type": "wine",
        "name": "linear",
        "description": "a line",
        "model_type": "ONNX",
        "since": 77,
    }
    assert asked("/models") == []


def test_a_data_type_has_its_state_wine_also_before_anything_came_and_others_are_unknown() -> None:
    path = "/state/{data_type:text}"
    assert asked(path, BEER, WINE, data_type="beer") == StateAnswer.of(BEER)
    assert asked(path, data_type="wine") == StateAnswer.of(ServingState("wine"))
    with pytest.raises(HTTPException) as refusal:
        asked(path, WINE, data_type="a/b")
    assert (refusal.value.status_code, refusal.value.detail) == (
        404,
        "no model and no record of data type 'a/b' has arrived",
    )
