"""Which data type a query is about, and what is said of one that nobody knows."""

import asyncio
from typing import Any

import pytest

from client.broker.ports import free_port
from tests.support.played_instances import Got, Known, get, part, serving, three, urls


def asked_alone(engine: Known, path: str, **query: str) -> Got:
    async def run() -> Got:
        async with serving(engine):
            return await get(engine.url, path, **query)

    return asyncio.run(run())


def alone(**facts: Any) -> Known:
    (url,) = urls(1)
    return Known(url, {url: [0, 1, 2]}, **facts)


def test_wine_is_known_before_anything_has_come_with_nulls_never_sentinel_numbers() -> None:
    answer = asked_alone(alone(), "/state/value")
    assert answer.status == 200
    nothing_yet = ("name", "description", "model_type", "since", "min", "max", "mean")
    assert {name: answer.body[name] for name in nothing_yet} == dict.fromkeys(nothing_yet)
    assert [answer.body[name] for name in ("usage", "duration", "skipped", "dead_letters")] == [0] * 4


def test_a_data_type_that_no_instance_knows_is_not_found() -> None:
    answer = asked_alone(alone(held=[part(0, 5)]), "/state/value", data_type="cider")
    assert answer.status == 404
    assert answer.body == {"detail": "no model and no record of data type 'cider' has arrived"}


def test_a_data_type_that_only_a_missing_instance_could_know_is_not_called_unknown() -> None:
    engine, dead = alone(), f"http://127.0.0.1:{free_port()}"
    engine.group = {engine.url: [0, 2], dead: [1]}
    answer = asked_alone(engine, "/state/value", data_type="cider")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.body["detail"].startswith("no answer knows data type 'cider'; missing: " + dead)
    assert "partition 1 " in answer.body["detail"]


@pytest.mark.parametrize("data_type", ["cider", "a&data_type=wine#?/+ %41", "Wein aus Österreich 🍷", ""])
def test_a_data_type_reaches_the_other_instances_as_it_was_asked_for(data_type: str) -> None:
    async def run() -> None:
        engines = three()
        for engine in engines:
            engine.held = [*engine.held, part(engine.group[engine.url][0], 5, data_type=data_type)]
        async with serving(*engines):
            answer = (await get(engines[0].url, "/state/value", data_type=data_type)).body
        assert (answer["data_type"], answer["usage"]) == (data_type, 15)

    asyncio.run(run())


def test_what_an_instance_knows_by_itself_is_told_of_all_data_types_or_of_one() -> None:
    engine = alone(held=[part(0, 5), part(1, 6, data_type="cider")])
    every = asked_alone(engine, "/state/local").body
    assert [(each["data_type"], each["partition"], each["usage"]) for each in every["parts"]] == [
        ("wine", 0, 5),
        ("cider", 1, 6),
    ]
    assert (every["application_id"], every["partitions"], every["stores"]) == ("app", [0, 1, 2], ["counters"])
    one = asked_alone(engine, "/state/local", data_type="cider").body
    assert [each["data_type"] for each in one["parts"]] == ["cider"]


def test_the_openapi_page_describes_every_path_and_refusal() -> None:
    described = asked_alone(alone(), "/openapi.json").body["paths"]
    assert {path: sorted(operations["get"]["responses"]) for path, operations in described.items()} == {
        "/state/instances": ["200", "503"],
        "/state/instance": ["200", "503"],
        "/state/value": ["200", "404", "422", "503"],
        "/state/local": ["200", "422", "503"],
    }
