"""Where state lives: in one actor per data type, which writes down what happens before it tells anybody."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pykka
import structlog
from fastapi import APIRouter, HTTPException

from actors_persistent.answers import ModelAnswer
from actors_persistent.any_text import register_any_text
from actors_persistent.errors import ActorDied, KeptModelUnusable
from actors_persistent.events import batch_scored
from actors_persistent.journal import Journal, recorded_data_types
from actors_persistent.messages import Accept, Changed, HandedOn, Replace, Restore, RestoreAll, Score, States, ToServer
from model.errors import ModelRejected
from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.actors_journal_pb2 import Event
from protobufs.kept_state_pb2 import KeptModel
from serving.answers import Refusal, StateAnswer
from serving.engine import Engine
from serving.kept_state import KeptState, kept
from serving.kernel import epoch_ms
from serving.model_loading import Load
from serving.records import WineBatch

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_DATA_TYPES_WITHOUT_MODEL = 100  # a record's data type is a stranger's text: it must fill neither memory nor disk
DEFAULT_DATA_TYPE = "wine"
STOP_TIMEOUT_S = 1.0


class ModelServer(pykka.ThreadingActor):
    """One data type's model and counters. One message after the other: so nothing here is locked."""

    use_daemon_thread = True  # a model that hangs must not hold up the exit

    def __init__(self, journal: Journal, supervisor: "pykka.ActorRef[Any]", load: Load) -> None:
        super().__init__()
        self._journal, self._supervisor, self._load = journal, supervisor, load
        self._state: KeptState | None = None

    def on_receive(self, message: ToServer) -> object:
        """Answer a message; after whatever goes wrong this actor is no more."""
        try:
            state = self._state or self._restored()
            if self._journal.wants_snapshot:  # not after an event: whatever fails here must not undo what was told
                self._journal.take_snapshot(state)
            match message:
                case Score(wines):
                    return self._score(state, wines)
                case Accept():
                    return self._accept(state, message)
                case Restore():
                    return state.serving
        except BaseException as error:
            self._journal.close()  # first: messages may be waiting, and must not follow half an event
            self.stop()
            if isinstance(error, Exception):
                raise
            raise ActorDied(repr(error)) from error  # Pykka would end all actors there are

    def on_stop(self) -> None:
        """Close the model, which nobody else has, and the journal."""
        self._journal.close()
        if self._state is not None and self._state.serving.served is not None:
            self._state.serving.served.model.close()

    def _score(self, before: KeptState, wines: WineBatch) -> Scores:
        after, scores = before.score(wines)
        self._happened(batch_scored(before, after, scores), after)
        return scores

    def _accept(self, state: KeptState, message: Accept) -> bool:
        if state.has(message.arrived):
            return False
        replaced = state.serving.served
        model = kept(message.arrived, epoch_ms())
        self._happened(Event(model_accepted=model), state.accept(message.arrived.loaded, model))
        if replaced is not None:
            replaced.model.close()
        return True

    def _happened(self, event: Event | None, after: KeptState) -> None:
        """First the log, then the state, then the others: what anybody has seen is never forgotten."""
        if event is not None:
            self._journal.append(event)
            self._become(after)

    def _restored(self) -> KeptState:
        snapshot = self._journal.recover()
        model = snapshot.model if snapshot.HasField("model") else None
        loaded = None if model is None else self._loaded(model)
        state = KeptState.restored(self._journal.data_type, loaded, model, snapshot.counters, "")
        self._become(state)
        return state

    def _loaded(self, model: KeptModel) -> LoadedModel:
        try:
            loaded = self._load(model.descriptor)
        except ModelRejected as error:
            raise KeptModelUnusable(self._journal.directory, error.name, error.reason) from None
        log.info("model_restored", model=loaded.name, model_type=loaded.model_type, data_type=loaded.data_type)
        return loaded

    def _become(self, state: KeptState) -> None:
        self._state = state
        with contextlib.suppress(pykka.ActorDeadError):  # at the end the supervisor stops first
            self._supervisor.tell(Changed(self.actor_ref, state.serving))


class _Supervised(NamedTuple):
    server: "pykka.ActorRef[ModelServer]"
    journal: Journal


class ModelServingManager(pykka.ThreadingActor):
    """Has a ``ModelServer`` for each data type from its first message on, and another one when it fails.

    It never waits for one of them: it answers with whom it asked. So no data type waits for another one's slow model.
    """

    use_daemon_thread = True

    def __init__(self, root: Path, load: Load, *, fsync: bool) -> None:
        """``root``: the directory below which each data type has its memory; ``load`` loads its model again."""
        super().__init__()
        self._root, self._load, self._fsync = root, load, fsync
        self._servers: dict[str, _Supervised] = {}
        self._states: dict[str, ServingState] = {}

    def on_receive(self, message: Any) -> Any:
        """Hand on, or answer itself; None to a stranger's batch, when there are too many of them."""
        match message:
            case Accept() | Score() if self._admits(message):
                return self._hand_on(message)
            case RestoreAll():
                return [self._hand_on(Restore(data_type)) for data_type in recorded_data_types(self._root)]
            case Replace(data_type, failed):
                self._replace(data_type, failed)
            case Changed(server, state) if self._servers[state.data_type].server == server:
                self._states[state.data_type] = state
            case States():
                return tuple(self._states.values())
        return None

    def on_stop(self) -> None:
        """End the servers, each after the message it is at; one that hangs is left behind."""
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        for stopped in [each.server.stop(block=False) for each in self._servers.values()]:
            with contextlib.suppress(pykka.Timeout):
                stopped.get(timeout=max(0.0, deadline_s - time.monotonic()))

    def _hand_on(self, message: ToServer) -> HandedOn:
        if message.data_type not in self._servers:
            self._servers[message.data_type] = self._start(message.data_type)
        server = self._servers[message.data_type].server
        return HandedOn(server, server.ask(message, block=False))

    def _admits(self, message: Accept | Score) -> bool:
        if isinstance(message, Accept) or message.data_type in self._servers:
            return True
        with_model = sum(state.served is not None for state in self._states.values())
        return len(self._servers) - with_model < MAX_DATA_TYPES_WITHOUT_MODEL

    def _replace(self, data_type: str, failed: "pykka.ActorRef[Any]") -> None:
        supervised = self._servers[data_type]
        if supervised.server != failed:
            return
        supervised.journal.close()  # first: it may only be slow, and must not write beside its successor
        supervised.server.stop(block=False)
        self._servers[data_type] = self._start(data_type)

    def _start(self, data_type: str) -> _Supervised:
        journal = Journal(self._root, data_type, fsync=self._fsync)
        return _Supervised(ModelServer.start(journal, self.actor_ref, self._load), journal)


def routes(engine: Engine) -> APIRouter:
    """The paths that answer for this state. Plain functions: they wait for the answer on a thread of their own."""
    register_any_text()
    router = APIRouter()

    @router.get("/models", summary="The model in force for each data type")
    def models() -> Sequence[ModelAnswer]:
        return [ModelAnswer.of(state) for state in engine.states() if state.served is not None]

    @router.get("/state/{data_type:text}", responses={404: {"model": Refusal}}, summary="One data type's state")
    def state(data_type: str) -> StateAnswer:
        known = {each.data_type: each for each in engine.states()}
        if data_type not in known and data_type != DEFAULT_DATA_TYPE:
            raise HTTPException(404, f"no model and no record of data type {data_type!r} has arrived")
        return StateAnswer.of(known.get(data_type) or ServingState(data_type))

    return router
