"""Grades ac-3: ask with a time limit."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pykka
import pytest

from actors_persistent.asking import Actors
from actors_persistent.errors import ActorDied, ActorFailed, StateUnwritable
from actors_persistent.messages import Accept, Replace, Score
from exercises.answers import Answer
from exercises.grading import expect, reject
from exercises.played.actors import PATIENCE_S, PlayedManager, answered_with, failed_with, no_answer
from exercises.played.wines import ALCOHOL, wines
from model.serving_state import Scores
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel
from serving.threads import start_in_daemon_thread

LIMIT_S = 0.02
BATCH = wines((0, 0, 9.4))
FIRST, SECOND, THIRD = (Scores(None, name, 1.0) for name in ("first", "second", "third"))
TWICE = ["Score", "Replace", "Score"]


@dataclass
class Asked:
    """What the asker got, and what it did for it."""

    value: Any
    error: BaseException | None
    manager: PlayedManager
    servers: list["pykka.ActorRef[Any]"]  # as they were before

    @property
    def kinds(self) -> list[str]:
        """The kind of each message to the manager, in order."""
        return [type(message).__name__ for message in self.manager.messages]

    @property
    def name(self) -> str:
        """Of the actor whose scores they are."""
        return f"the scores of the {self.value.model_name}" if isinstance(self.value, Scores) else repr(self.value)


Ask = Callable[..., Asked]


@pytest.fixture
def ask(answer: Answer, tmp_path: Path) -> Iterator[Ask]:
    """Asks for the scores of a batch; each future is the answer of an actor, the successor's after its own."""
    module = answer.load()
    started: list[PlayedManager] = []

    def ask(
        *answers: "pykka.Future[Any]",
        timeout_s: float = LIMIT_S,
        question: Callable[[Actors], object] = lambda actors: actors.score(BATCH, "data"),
    ) -> Asked:
        manager = PlayedManager(answers)
        started.append(manager)
        vars(module)["ModelServingManager"] = manager
        actors = module.Actors(tmp_path, fsync=False, timeout_s=timeout_s)
        servers = list(manager.servers)
        asking = start_in_daemon_thread("asking", lambda: question(actors))
        if not wait([asking], PATIENCE_S).done:
            reject(
                "It waits longer than its time limit.",
                expected=f"an end after about {timeout_s:g} s per actor",
                happened=f"it still waits after {PATIENCE_S:g} s",
                means="one model that hangs stops its partition for good, and nobody is told",
            )
        error = asking.exception()
        if error is not None and not isinstance(error, ActorFailed) and error not in _errors(answers):
            raise error
        return Asked(None if error else asking.result(), error, manager, servers)

    yield ask
    for manager in started:
        for actor in (manager.reference, *manager.servers):
            if actor is not None:
                actor.stop(block=False)


def _errors(answers: tuple["pykka.Future[Any]", ...]) -> list[BaseException]:
    """What the played actors died of."""
    found: list[BaseException] = []
    for future in answers:
        try:
            future.get(timeout=0)
        except pykka.Timeout:
            pass
        except Exception as error:  # noqa: BLE001 - a test chooses the error
            found.append(error)
    return found


def test_an_answer_in_time_is_returned(ask: Ask) -> None:
    asked = ask(answered_with(FIRST), answered_with(SECOND))
    expect(
        asked.value is FIRST,
        "The answer that came in time is not returned.",
        expected="the scores that the actor gave",
        happened=asked.error or asked.name,
        means="records that have a score never get it",
    )
    expect(
        asked.kinds == ["Score"],
        "An actor that answered is asked twice, or replaced.",
        expected=["Score"],
        happened=asked.kinds,
        means="each batch is scored twice, or each one costs an actor its life",
    )


def test_an_answer_that_is_false_is_an_answer(ask: Ask) -> None:
    arrived = ArrivedModel(ALCOHOL, 7, ModelDescriptor(), "models")
    asked = ask(answered_with(False), answered_with(True), question=lambda actors: actors.accept(arrived))
    expect(
        asked.kinds == ["Accept"] and isinstance(asked.manager.messages[0], Accept),
        "An answer that is False is taken for no answer.",
        expected="one question: False says that a newer model is active already",
        happened=asked.kinds,
        means="each model that is redelivered costs an actor its life",
    )


def test_a_slow_answer_within_the_limit_is_returned(ask: Ask) -> None:
    slow: pykka.Future[Any] = pykka.ThreadingFuture()
    threading.Timer(0.05, slow.set, [FIRST]).start()
    asked = ask(slow, answered_with(SECOND), timeout_s=30.0)
    expect(
        asked.kinds == ["Score"],
        "An actor that answers within the time limit is replaced.",
        expected="one question: the answer comes after 0.05 s, the limit is 30 s",
        happened=asked.kinds,
        means="a large model can never score a batch: its actor is always replaced before it is done",
    )


def test_an_actor_that_hangs_is_replaced(ask: Ask) -> None:
    asked = ask(no_answer(), answered_with(SECOND), answered_with(THIRD))
    expect(
        "Replace" in asked.kinds,
        "An actor that does not answer is not replaced.",
        expected=TWICE,
        happened=asked.kinds,
        means="its data type is never scored again, until somebody restarts the server",
    )
    replaced = next(message for message in asked.manager.messages if isinstance(message, Replace))
    expect(
        replaced == Replace("wine", asked.servers[0]),
        "Another actor is replaced than the one that did not answer.",
        expected="Replace('wine', the actor that was asked)",
        happened=replaced,
        means="the manager takes the message for an old one and replaces nobody: the data type stays stuck",
    )


def test_the_successor_is_asked(ask: Ask) -> None:
    asked = ask(no_answer(), answered_with(SECOND), answered_with(THIRD))
    expect(
        asked.kinds != ["Score", "Score", "Replace"],
        "The second question is asked before the actor is replaced.",
        expected=TWICE,
        happened=asked.kinds,
        means="it goes to the actor that hangs, which is then ended, and the batch is lost with it",
    )
    expect(
        asked.kinds[:3] == TWICE,
        "The successor is not asked.",
        expected=TWICE,
        happened=asked.kinds,
        means="a new actor stands ready, and the server ends because of the old one",
    )
    expect(
        asked.manager.messages[2] == asked.manager.messages[0] and isinstance(asked.manager.messages[0], Score),
        "The successor is asked another question.",
        expected="the same message as before",
        happened=asked.manager.messages[2],
        means="the batch gets the scores of other records",
    )
    expect(
        asked.value is SECOND,
        "The successor's answer is not returned.",
        expected="the scores of the second",
        happened=asked.error or asked.name,
        means="the batch has scores, and its records never get them",
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("no memory"), ActorDied("SystemExit()"), StateUnwritable(Path(), "full")]
)
def test_an_actor_that_died_is_replaced(ask: Ask, error: Exception) -> None:
    asked = ask(failed_with(error), answered_with(SECOND), answered_with(THIRD))
    expect(
        asked.kinds == TWICE and asked.value is SECOND,
        "An actor that died of an error is not replaced and asked again.",
        expected=f"{TWICE}, and the scores of the second",
        happened=f"{asked.kinds}, and {asked.error!r}",
        means="one error in one batch ends the whole server, though a successor could go on",
    )


def test_a_successor_that_hangs_is_an_error(ask: Ask) -> None:
    asked = ask(no_answer(), no_answer(), answered_with(THIRD))
    expect(
        asked.kinds == TWICE,
        "When the successor does not answer either, somebody is asked again.",
        expected=f"{TWICE}, then ActorFailed",
        happened=f"{asked.kinds}, then {asked.error or asked.name}",
        means="a model that hangs at one record is started over and over, and nobody is told",
    )
    expect(
        isinstance(asked.error, ActorFailed),
        "When the successor does not answer either, there is no error.",
        expected="ActorFailed, from the lines below yours",
        happened=asked.error or asked.name,
        means="the batch counts as scored, and none of its records has a score",
    )
