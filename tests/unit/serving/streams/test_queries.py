"""The paths for the whole application, whichever of several instances is asked."""

import asyncio
from typing import Any

import pytest

from tests.support.instances import instance, silent
from tests.support.played_instances import Known, get, part, serving, three, urls

PATHS = ("/state/value", "/state/instances", "/state/instance", "/state/local")
COMPLETE: dict[str, Any] = {"missing": [], "partitions_missing": []}


def test_whichever_instance_is_asked_answers_for_all() -> None:
    async def run() -> None:
        engines = three()
        async with serving(*engines):
            answers = [await get(engine.url, "/state/value", data_type="wine") for engine in engines]
        model = {"data_type": "wine", "name": "m7", "description": "number 7", "model_type": "ONNX", "since": 1000}
        counts = {"usage": 111, "duration": 222.0, "min": 2.0, "max": 2.0, "mean": 2.0, "skipped": 0, "dead_letters": 0}
        assert [answer.status for answer in answers] == [200] * 3
        assert [answer.body for answer in answers] == [{**model, **counts, **COMPLETE}] * 3

    asyncio.run(run())


def test_a_dead_and_a_slow_instance_are_named_and_not_guessed() -> None:
    async def run() -> None:
        (alive, dead), group = urls(2), {}
        async with instance(silent) as slow:
            group.update({alive: [0], dead: [1], slow: [2]})
            async with serving(Known(alive, group, [part(0, 5)]), time_limit_s=0.5):
                value = await get(alive, "/state/value")
                listed = await get(alive, "/state/instances")
        assert (value.status, value.body["usage"], value.body["partitions_missing"]) == (200, 5, [1, 2])
        named = {each["url"]: (each["partitions"], each["reason"]) for each in value.body["missing"]}
        assert named == {dead: ([1], "cannot connect (Connection refused)"), slow: ([2], "no answer within 0.5 s")}
        assert {each["url"]: (each["answers"], each["stores"], each["reason"]) for each in listed.body} == {
            alive: (True, ["counters"], None),
            dead: (False, None, "cannot connect (Connection refused)"),
            slow: (False, None, "no answer within 0.5 s"),
        }

    asyncio.run(run())


def test_of_two_that_claim_one_partition_the_one_that_counted_further_counts() -> None:
    async def run() -> None:
        old, new = urls(2)
        group = {old: [0, 1], new: [1, 2]}
        engines = [Known(old, group, [part(0, 1), part(1, 40)]), Known(new, group, [part(1, 50), part(2, 100)])]
        async with serving(*engines):
            for engine in engines:
                assert (await get(engine.url, "/state/value")).body["usage"] == 1 + 50 + 100

    asyncio.run(run())


def test_a_partition_that_is_on_its_way_to_another_instance_is_named() -> None:
    async def run() -> None:
        giving, taking = urls(2)
        # Each goes by what it has heard: the one that gives has, the one that takes has not.
        engines = [
            Known(giving, {giving: [0], taking: [1, 2]}, [part(0, 1)]),
            Known(taking, {giving: [0, 1], taking: [2]}, [part(2, 100)]),
        ]
        async with serving(*engines):
            for engine in engines:
                answer = await get(engine.url, "/state/value")
                assert (answer.body["usage"], answer.body["missing"]) == (101, [])
                assert answer.body["partitions_missing"] == [1]

    asyncio.run(run())


def test_counters_in_memory_belong_to_instances_and_all_of_them_count() -> None:
    async def run() -> None:
        group = {url: [0] for url in urls(2)}
        engines = [Known(url, group, [part(None, 3, skipped=1)], tables=()) for url in group]
        async with serving(*engines):
            answer = await get(engines[0].url, "/state/value")
        assert (answer.body["usage"], answer.body["skipped"]) == (6, 2)
        assert (answer.body["missing"], answer.body["partitions_missing"]) == ([], [])

    asyncio.run(run())


@pytest.mark.parametrize("path", PATHS[1:3])
def test_every_instance_is_listed_with_its_partitions_and_stores(path: str) -> None:
    async def run() -> None:
        first, second, *_ = three()
        group = {first.url: [2, 0], second.url: [1]}
        first.group = second.group = group
        second.tables = ["models", "counters"]
        async with serving(first, second):
            listed = (await get(first.url, path)).body
        said = {"answers": True, "reason": None}
        assert listed == [
            {"url": first.url, "partitions": [0, 2], "stores": ["counters"], **said},
            {"url": second.url, "partitions": [1], "stores": ["models", "counters"], **said},
        ]

    asyncio.run(run())


def test_an_instance_that_restores_says_so_and_the_others_do_not_count_it() -> None:
    async def run() -> None:
        restoring, *others = three()
        restoring.is_restored = False
        async with serving(restoring, *others):
            for path in PATHS:
                refused = await get(restoring.url, path)
                assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
                assert refused.body == {"detail": "this instance is still restoring its state; ask again"}
            answer = (await get(others[0].url, "/state/value")).body
        reason = "it is still restoring its state"
        assert (answer["usage"], answer["partitions_missing"]) == (110, [0])
        assert answer["missing"] == [{"url": restoring.url, "partitions": [0], "reason": reason}]

    asyncio.run(run())


def test_another_program_at_an_instance_s_address_does_not_count() -> None:
    async def run() -> None:
        first, second, stranger = three()
        stranger.application_id = "other"
        async with serving(first, second, stranger):
            answer = (await get(first.url, "/state/value")).body
        assert (answer["usage"], answer["partitions_missing"]) == (11, [2])
        assert [each["reason"] for each in answer["missing"]] == ["it belongs to another application"]

    asyncio.run(run())
