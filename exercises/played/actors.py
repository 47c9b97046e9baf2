"""What graders play the actors' surroundings with: an actor that answers when the grader lets it."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pykka

from actors_persistent.journal.journal import Journal
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.messages import HandedOn, Replace
from exercises.grading import reject

PATIENCE_S = 4.0
"""For what a right answer does at once, on a machine that is busy."""


@dataclass
class PlayedServers:
    """Takes the place of ``ModelServer``: actors that answer with their data type and the message that they got."""

    started: list["pykka.ActorRef[Any]"] = field(default_factory=list)
    may_answer: defaultdict[str, threading.Event] = field(default_factory=lambda: defaultdict(_set))

    def start(self, journal: Journal, *rest: object) -> "pykka.ActorRef[Any]":  # noqa: ARG002
        """As ``ModelServer.start``."""
        server = _Server.start(journal.data_type, self.may_answer[journal.data_type])
        self.started.append(server)
        return server


class _Server(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, data_type: str, may_answer: threading.Event) -> None:
        super().__init__()
        self._data_type = data_type
        self._may_answer = may_answer

    def on_receive(self, message: object) -> object:
        self._may_answer.wait()
        return self.actor_ref, self._data_type, message


@dataclass
class Router:
    """An answer's ``ModelServingManager``, among played servers."""

    manager: "pykka.ActorRef[Any]"
    servers: PlayedServers

    @classmethod
    def of(cls, module: ModuleType, directory: Path) -> "Router":
        """Start the manager of an answer's module."""
        servers = PlayedServers()
        vars(module)["ModelServer"] = servers
        file = JournalFile(directory, fsync=False)
        return cls(module.ModelServingManager.start(file, _no_model, lambda _: None), servers)

    def ask(self, message: object) -> Any:
        """What the manager answers."""
        try:
            return self.manager.ask(message, timeout=PATIENCE_S)
        except pykka.Timeout:
            reject(
                "The manager waits for the actor that it has asked.",
                expected="an answer at once: whom it asked, and a future for that one's answer",
                happened=f"no answer within {PATIENCE_S:g} s, while the actor is busy with a slow model",
                means="one data type's slow model holds up the records of all others",
            )

    def close(self) -> None:
        """End all actors, without waiting for one."""
        for event in self.servers.may_answer.values():
            event.set()
        for actor in (self.manager, *self.servers.started):
            actor.stop(block=False)


@dataclass
class PlayedManager:
    """Takes the place of ``ModelServingManager``: each actor's answer is a future, its successor's the next."""

    answers: Sequence["pykka.Future[Any]"]
    messages: list[object] = field(default_factory=list)  # all that it was asked
    servers: Sequence["pykka.ActorRef[Any]"] = ()
    reference: "pykka.ActorRef[Any] | None" = None

    def start(self, *rest: object) -> "pykka.ActorRef[Any]":  # noqa: ARG002
        """As ``ModelServingManager.start``."""
        self.servers = [_Idle.start() for _ in self.answers]
        self.reference = _Scripted.start(self)
        return self.reference

    def hear(self, message: object) -> HandedOn | None:
        """Answer one message, as the manager does."""
        self.messages.append(message)
        if isinstance(message, Replace):
            if message.failed == self.servers[0]:
                self.servers = self.servers[1:]
                self.answers = self.answers[1:]
            return None
        return HandedOn(self.servers[0], self.answers[0])


class _Idle(pykka.ThreadingActor):
    use_daemon_thread = True


class _Scripted(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, script: PlayedManager) -> None:
        super().__init__()
        self._script = script

    def on_receive(self, message: object) -> object:
        return self._script.hear(message)


def no_answer() -> "pykka.Future[Any]":
    """Of an actor that hangs."""
    return pykka.ThreadingFuture()


def answered_with(value: object) -> "pykka.Future[Any]":
    """Of an actor that has answered."""
    future: pykka.Future[Any] = pykka.ThreadingFuture()
    future.set(value)
    return future


def failed_with(error: Exception) -> "pykka.Future[Any]":
    """Of an actor that has died."""
    future: pykka.Future[Any] = pykka.ThreadingFuture()
    future.set_exception((type(error), error, None))
    return future


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def _no_model(descriptor: object) -> Any:
    raise AssertionError(f"a played server loads no model: {descriptor}")
