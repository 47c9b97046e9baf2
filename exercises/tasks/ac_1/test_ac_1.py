"""Grades ac-1: a router that never waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pykka
import pytest

from actors_persistent.messages import HandedOn, Replace, Restore
from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.actors import PATIENCE_S, Router

WINE, BEER = Restore("wine"), Restore("beer")


@pytest.fixture
def router(answer: Answer, tmp_path: Path) -> Iterator[Router]:
    router = Router.of(answer.load(), tmp_path)
    yield router
    router.close()


def answered(router: Router, message: object) -> tuple[Any, Any, Any]:
    """Who answered a message, for which data type, and to what."""
    handed_on = router.ask(message)
    try:
        who, data_type, to = handed_on.answer.get(timeout=PATIENCE_S)
    except pykka.Timeout:
        reject(
            "The actor's answer never comes.",
            expected="a future in which the actor's answer to this message will be",
            happened=f"an actor that answers at once, and no answer within {PATIENCE_S:g} s",
            means="the batch is asked again and again, and its partition stands still",
        )
    return who, data_type, to


def test_the_manager_answers_while_the_actor_is_busy(router: Router) -> None:
    router.servers.may_answer["wine"].clear()
    handed_on = router.ask(WINE)
    expect(
        isinstance(handed_on, HandedOn) and isinstance(handed_on.answer, pykka.Future),
        "The manager does not answer with whom it asked and a future.",
        expected="HandedOn(server, answer), where answer is a future",
        happened=handed_on,
        means="who has a batch to score does not know where its scores will be",
    )


def test_the_actor_gets_the_message_as_it_is(router: Router) -> None:
    _, _, to = answered(router, WINE)
    expect(
        to == WINE,
        "The actor got another message than the router.",
        expected=WINE,
        happened=to,
        means="the actor scores what nobody sent",
    )


def test_the_manager_says_whom_it_asked(router: Router) -> None:
    handed_on = router.ask(WINE)
    who, _, _ = handed_on.answer.get(timeout=PATIENCE_S)
    expect(
        handed_on.server == who,
        "The manager names another actor than the one that it asked.",
        expected=who,
        happened=handed_on.server,
        means="when the actor hangs, another one is replaced, and the data type stays stuck",
    )


def test_later_messages_go_to_the_same_actor(router: Router) -> None:
    first, second = answered(router, WINE)[0], answered(router, WINE)[0]
    expect(
        first == second,
        "The second message of a data type went to another actor than the first.",
        expected=first,
        happened=second,
        means="the new actor does not have what the first one holds: two write one journal, which is damaged",
    )


def test_only_the_first_message_starts_an_actor(router: Router) -> None:
    for _ in range(3):
        answered(router, WINE)
    expect(
        len(router.servers.started) == 1,
        "An actor was started for a data type that has one.",
        expected="1 actor after 3 messages of one data type",
        happened=f"{len(router.servers.started)} actors",
        means="each batch leaves a thread behind that nobody uses or ends, until the memory is full",
    )


def test_each_data_type_has_its_own_actor(router: Router) -> None:
    wine, beer = answered(router, WINE), answered(router, BEER)
    expect(
        (wine[1], beer[1]) == ("wine", "beer"),
        "A message went to the actor of another data type.",
        expected="wine's message to wine's actor, beer's to beer's",
        happened=f"wine's to {wine[1]}'s, beer's to {beer[1]}'s",
        means="beer is scored by the model for wine",
    )


def test_after_a_replacement_the_successor_is_asked(router: Router) -> None:
    failed, _, _ = answered(router, WINE)
    router.ask(Replace("wine", failed))
    handed_on = router.ask(WINE)
    expect(
        handed_on.server != failed and handed_on.server in router.servers.started,
        "After a replacement a message still goes to the actor that failed.",
        expected="the successor, which _replace has put into self._servers",
        happened=handed_on.server,
        means="a data type whose actor failed once is never scored again",
    )
