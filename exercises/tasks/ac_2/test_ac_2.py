"""Grades ac-2: a stranger's text costs nothing."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pykka
import pytest

from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.messages import Accept, Changed, Restore, Score
from actors_persistent.state import MAX_DATA_TYPES_WITHOUT_MODEL
from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.wines import ALCOHOL, AlcoholModel, wines
from model.model import LoadedModel
from model.serving_state import ServingState
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel

MAX = MAX_DATA_TYPES_WITHOUT_MODEL
HANDED_ON, NOBODY = "it is handed on to an actor", "None: it gets no actor"


class Server:
    """In place of an actor: the answer that nobody waits for, and no thread."""

    def ask(self, message: object, *, block: bool = True) -> "pykka.Future[Any]":
        """As an actor's reference."""
        return pykka.ThreadingFuture()


class Router:
    """An answer's manager, called on this thread; a hundred played actors are then nothing."""

    def __init__(self, module: ModuleType, directory: Path) -> None:
        self.started: list[Server] = []
        vars(module)["ModelServer"] = self
        file = JournalFile(directory, fsync=False)
        self.ask: Callable[[object], Any] = module.ModelServingManager(file, None, lambda _: None).on_receive

    def start(self, *rest: object) -> Server:
        """As ``ModelServer.start``."""
        self.started.append(Server())
        return self.started[-1]


@pytest.fixture
def router(answer: Answer, tmp_path: Path) -> Router:
    return Router(answer.load(), tmp_path)


def score(data_type: str) -> Score:
    return Score(wines((0, 0, 9.4), data_type=data_type), "data")


def outcome(router: Router, message: object) -> str:
    return NOBODY if router.ask(message) is None else HANDED_ON


def told(router: Router, number: int, model: LoadedModel | None = None) -> None:
    """The actor of a stranger's data type tells its state."""
    data_type = f"strange {number}"
    server: Any = router.started[number]
    router.ask(Changed(server, ServingState(data_type, model)))


def strangers(router: Router, count: int, *, tell: bool = True) -> None:
    """So many data types have an actor and no model."""
    for number in range(count):
        router.ask(score(f"strange {number}"))
        if tell and number < len(router.started):
            told(router, number)


def test_a_new_data_type_gets_an_actor(router: Router) -> None:
    happened = outcome(router, score("wine"))
    expect(
        happened == HANDED_ON,
        "The records of a new data type get no actor.",
        expected=HANDED_ON,
        happened=happened,
        means="what was skipped for want of a model is counted nowhere, and nobody learns that a model is missing",
    )


def test_as_many_as_the_limit_says_get_an_actor(router: Router) -> None:
    strangers(router, MAX)
    expect(
        len(router.started) == MAX,
        "Fewer data types without a model get an actor than the limit says.",
        expected=f"{MAX} actors for {MAX} data types",
        happened=f"{len(router.started)} actors",
        means="data types whose model is only late are skipped and not counted",
    )


def test_one_more_than_the_limit_gets_none(router: Router) -> None:
    strangers(router, MAX)
    happened = outcome(router, score("one too many"))
    expect(
        happened == NOBODY,
        "One data type more than the limit gets an actor.",
        expected=NOBODY,
        happened=f"{HANDED_ON}, which is number {len(router.started)} without a model",
        means="a thread and rows on the disk for each text that anybody writes into a record, without an end",
    )


def test_actors_that_have_told_nothing_yet_count(router: Router) -> None:
    strangers(router, MAX + 5, tell=False)
    expect(
        len(router.started) <= MAX,
        "Actors that have not told their state yet are not counted.",
        expected=f"at most {MAX} actors for {MAX + 5} data types that come in a burst",
        happened=f"{len(router.started)} actors",
        means="in a burst of strange data types all get a thread, before the first has told its state",
    )


def test_a_data_type_with_an_actor_is_always_admitted(router: Router) -> None:
    strangers(router, MAX, tell=False)
    happened = outcome(router, score("strange 0"))
    expect(
        happened == HANDED_ON,
        "A data type that has an actor is turned away.",
        expected=HANDED_ON,
        happened=happened,
        means="once the limit is reached, the records of known data types are not counted any more",
    )


def test_a_model_is_always_admitted(router: Router) -> None:
    strangers(router, MAX)
    rose = LoadedModel("rose", "", "rose", "ONNX", AlcoholModel())
    happened = outcome(router, Accept(ArrivedModel(rose, 7, ModelDescriptor(), "models")))
    expect(
        happened == HANDED_ON,
        "A model is turned away, because strangers have taken all places.",
        expected=HANDED_ON,
        happened=happened,
        means="anybody who sends records can keep the operator's models out",
    )


def test_what_was_kept_is_always_restored(router: Router) -> None:
    strangers(router, MAX)
    happened = outcome(router, Restore("rose"))
    expect(
        happened == HANDED_ON,
        "What was kept is not restored, because strangers have taken all places.",
        expected=HANDED_ON,
        happened=happened,
        means="after a restart a data type with a model and counters is not there",
    )


def test_above_the_limit_strangers_get_none_either(router: Router) -> None:
    strangers(router, MAX)
    router.ask(Restore("rose"))  # it is admitted, and has told nothing yet
    happened = outcome(router, score("one too many"))
    expect(
        happened == NOBODY,
        "When models have gone above the limit, strangers get an actor again.",
        expected=f"{NOBODY}: {MAX + 1} data types have an actor and no model",
        happened=happened,
        means="a model that arrives while strangers have taken all places opens the door to all of them",
    )


def test_a_data_type_with_a_model_takes_no_place(router: Router) -> None:
    strangers(router, MAX)
    told(router, 3, ALCOHOL)
    happened = outcome(router, score("new"))
    expect(
        happened == HANDED_ON,
        "A data type that has a model counts as one without.",
        expected=f"{HANDED_ON}: of {MAX} data types one has got a model, so {MAX - 1} have none",
        happened=happened,
        means="a server with many models does not notice any new data type",
    )
    happened = outcome(router, score("one too many"))
    expect(
        happened == NOBODY,
        "A model makes room for more than one data type.",
        expected=f"{NOBODY}: {MAX} have an actor and no model",
        happened=happened,
        means="with the first model the limit is gone",
    )
