"""Grades im-3: branch good and bad records."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.agents import PlayedAgents, on_stream
from serving.errors import BrokerRefused


class Scene:
    """An agent that looks for two faults: a record without wine, and one without a year."""

    def __init__(self, module: Any, agents: PlayedAgents) -> None:
        self.agents = agents
        self.good, self.no_wine, self.no_year = (agents.branch() for _ in range(3))
        faults = [
            module.Fault("no wine", lambda value: b"wine" not in value, self.no_wine),
            module.Fault("no year", lambda value: b"2026" not in value, self.no_year),
        ]
        self.branching = module.Branching(self.good, faults)
        agents.start(self.branching.run)

    async def come(self, *values: bytes) -> None:
        """Records come, one after the other."""
        for value in values:
            await self.agents.comes(b"key", value, source=b"vineyard")

    @property
    def branches(self) -> list[list[Any]]:
        """The values in each branch."""
        return [self.good.values, self.no_wine.values, self.no_year.values]


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(answer: Answer) -> Play:
    """Runs a play on a new stream."""
    module = answer.load()

    def playing(play: Callable[[Scene], Awaitable[None]]) -> None:
        async def on(agents: PlayedAgents) -> None:
            await play(Scene(module, agents))

        on_stream(on)

    return playing


def test_a_good_record_goes_to_the_good_branch(play: Play) -> None:
    async def good(scene: Scene) -> None:
        await scene.come(b"wine 2026")
        expect(
            scene.branches == [[b"wine 2026"], [], []],
            "A good record is not in the good branch alone.",
            expected="once in the good branch, in no other",
            happened=f"good, no wine, no year: {scene.branches}",
            means="the servers never see this wine, or somebody mends what is not broken",
        )

    play(good)


def test_a_bad_record_goes_to_the_branch_of_its_fault(play: Play) -> None:
    async def bad(scene: Scene) -> None:
        await scene.come(b"wine")
        expect(
            scene.branches == [[], [], [b"wine"]],
            "A bad record is not in the branch of its fault alone.",
            expected="good, no wine, no year: [[], [], [b'wine']]",
            happened=f"good, no wine, no year: {scene.branches}",
            means="a consumer of that branch does not see it, and it may reach a model",
        )

    play(bad)


def test_records_behind_a_bad_one_are_taken(play: Play) -> None:
    async def behind(scene: Scene) -> None:
        await scene.come(b"2026", b"wine 2026", b"wine", b"wine 2026 again")
        expect(
            scene.good.values == [b"wine 2026", b"wine 2026 again"],
            "The records behind a bad one are not all in their branch, in order.",
            expected=[b"wine 2026", b"wine 2026 again"],
            happened=scene.good.values,
            means="one bad record stops the stream of good ones",
        )

    play(behind)


def test_a_record_with_two_faults_goes_to_the_first_one_s_branch(play: Play) -> None:
    async def both_faults(scene: Scene) -> None:
        await scene.come(b"beer")
        expect(
            scene.branches == [[], [b"beer"], []],
            "A record with two faults is not in the branch of the first one alone.",
            expected="good, no wine, no year: [[], [b'beer'], []]",
            happened=f"good, no wine, no year: {scene.branches}",
            means="the branches together have more records than came, and it is mended twice",
        )

    play(both_faults)


def test_a_record_keeps_its_key_and_its_headers(play: Play) -> None:
    async def as_it_came(scene: Scene) -> None:
        await scene.come(b"wine 2026", b"2026")
        (good,), (bad,) = scene.good.records, scene.no_wine.records
        expect(
            (good.key, bad.key) == (b"key", b"key"),
            "A record has lost its key on the way.",
            expected="b'key' in both branches",
            happened=(good.key, bad.key),
            means="it goes to any partition: the order of this key's records is gone",
        )
        kept = good.headers.get("source"), bad.headers.get("source")
        expect(
            kept == (b"vineyard", b"vineyard"),
            "A record has lost a header that it came with.",
            expected="source: b'vineyard' in both branches",
            happened=(dict(good.headers), dict(bad.headers)),
            means="tracing ends here: nobody knows where this record came from",
        )

    play(as_it_came)


def test_a_bad_record_says_why(play: Play) -> None:
    async def why(scene: Scene) -> None:
        await scene.come(b"wine 2026", b"2026", b"wine", b"2026")
        reasons = [each.headers.get("reason") for each in (*scene.no_wine.records, *scene.no_year.records)]
        expect(
            reasons == [b"no wine", b"no wine", b"no year"],
            "A bad record does not have its fault's reason as a header.",
            expected=[b"no wine", b"no wine", b"no year"],
            happened=reasons,
            means="somebody has to guess from the bytes why it was kept away",
        )
        expect(
            "reason" not in scene.good.records[0].headers,
            "A good record has a reason.",
            expected="its own headers only",
            happened=dict(scene.good.records[0].headers),
            means="readers take it for bad",
        )
        expect(
            Counter(scene.branching.found) == {"no wine": 2, "no year": 1},
            "The bad records are not counted by their reasons.",
            expected={"no wine": 2, "no year": 1},
            happened=dict(scene.branching.found),
            means="nobody notices that half of a producer's records are bad",
        )

    play(why)


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_the_broker_has_a_record_before_the_next_one_is_taken(play: Play, kind: str) -> None:
    async def slow(scene: Scene) -> None:
        branch, value = (scene.good, b"wine 2026") if kind == "good" else (scene.no_wine, b"2026")
        branch.answers_at_once = False
        await scene.come(value, value + b" again")
        expect(
            branch.values == [value],
            f"The next record was taken before the broker had a {kind} one.",
            expected="the agent awaits what event.forward has returned: one record is in the branch",
            happened=f"in the branch, none of them acknowledged: {branch.values}",
            means="the first is acknowledged by then; killed now, it is in no branch and never read again",
        )
        branch.acknowledge(0)
        await scene.agents.turns()
        expect(
            len(branch.values) == 2,
            f"The next record was not taken when the broker had a {kind} one.",
            expected="two records in the branch",
            happened=branch.values,
            means="the stream stands still",
        )

    play(slow)


def test_an_error_of_the_broker_is_raised(play: Play) -> None:
    async def refused(scene: Scene) -> None:
        scene.good.answers_at_once = False
        await scene.come(b"wine 2026")
        scene.good.refuse(0, BrokerRefused("writing", "no right"))
        try:
            await scene.agents.turns()
        except BrokerRefused:
            return
        reject(
            "The broker refused a record, and the agent went on.",
            expected="the agent raises BrokerRefused",
            happened="it waits for the next record",
            means="this record is acknowledged, and in no branch: it is lost",
        )

    play(refused)
