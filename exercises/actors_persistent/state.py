"""Where state lives: in one actor per data type, which writes down what happens before it tells anybody."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pykka
import structlog
from fastapi import APIRouter

from actors_persistent.errors import ActorDied, KeptModelUnusable
from actors_persistent.journal.events import Event, ModelAccepted, batch_scored
from actors_persistent.journal.journal import Journal
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.messages import Accept, Changed, HandedOn, Replace, Restore, Score, ToServer
from actors_persistent.routes import ModelAnswer, register_any_text
from model.errors import ModelRejected
from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.kept_state_pb2 import KeptModel
from serving.models.loading import Load
from serving.scoring.kept_state import KeptState, is_newer, kept
from serving.scoring.outcomes import epoch_ms
from serving.web.answers import Refusal, StateAnswer, state_answer

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_DATA_TYPES_WITHOUT_MODEL = 100  # a record's data type is a stranger's text: it must fill neither memory nor disk
STOP_TIMEOUT_S = 1.0


class ModelServer(pykka.ThreadingActor):
    """One data type's model and counters. One message after the other: so nothing here is locked."""

    use_daemon_thread = True  # a model that hangs must not hold up the exit

    def __init__(self, journal: Journal, supervisor: "pykka.ActorRef[Any]", load: Load) -> None:
        super().__init__()
        self._journal = journal
        self._supervisor = supervisor
        self._load = load
        self._state: KeptState | None = None

    def on_receive(self, message: ToServer) -> object:
        """Answer a message; after any error this actor ends."""
        try:
            state = self._state or self._restored()
            match message:
                case Score():
                    return self._score(state, message)
                case Accept():
                    return self._accept(state, message)
                case Restore():
                    return state.serving
        except BaseException as error:
            self._journal.close()  # first: messages may be waiting, and this actor's state may be behind its journal
            self.stop()
            if isinstance(error, Exception):
                raise
            raise ActorDied(repr(error)) from error  # Pykka would end all actors there are

    def on_stop(self) -> None:
        """Close the model, which nobody else has, and the journal."""
        self._journal.close()
        if self._state is not None and self._state.serving.model is not None:
            self._state.serving.model.close()

    def _score(self, state: KeptState, message: Score) -> Scores:
        before = state.reading(message.data_topic_id)
        after, scores = before.score(message.wines)
        self._happened(batch_scored(before, after, scores), after)
        return scores

    def _accept(self, state: KeptState, message: Accept) -> bool:
        model = kept(message.arrived, epoch_ms())
        if state.has(message.arrived) or (state.model is not None and is_newer(state.model, model, model.topic_id)):
            return False
        replaced = state.serving.model
        self._happened(ModelAccepted.of(model), state.accept(message.arrived.loaded, model))
        if replaced is not None:
            replaced.close()
        return True

    def _happened(self, event: Event | None, after: KeptState) -> None:
        """First the journal, then the state, then the others: what anybody has seen is never forgotten."""
        if event is not None:
            self._journal.append(event, after)
            self._become(after)

    def _restored(self) -> KeptState:
        model, counters = self._journal.recover()
        loaded = None if model is None else self._loaded(model)
        state = KeptState.restored(self._journal.data_type, loaded, model, counters, counters.data_topic_id)
        self._become(state)
        return state

    def _loaded(self, model: KeptModel) -> LoadedModel:
        try:
            loaded = self._load(model.descriptor)
        except ModelRejected as error:
            raise KeptModelUnusable(self._journal.path, self._journal.data_type, error.name, error.reason) from None
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

    It never waits for one of them: it answers with whom it asked. So a data type's slow model holds up no other's new
    model. (Records wait all the same: the consumer asks for one data type's scores after the other's.)
    """

    use_daemon_thread = True

    def __init__(self, file: JournalFile, load: Load, publish: Callable[[Sequence[ServingState]], None]) -> None:
        """``file`` has all journals; ``load`` loads a model again; ``publish`` gets all states after each change."""
        super().__init__()
        self._file = file
        self._load = load
        self._publish = publish
        self._servers: dict[str, _Supervised] = {}
        self._states: dict[str, ServingState] = {}

    def on_receive(self, message: Any) -> Any:
        """Hand on, or answer itself; None to a stranger's batch, when there are too many of them."""
        match message:
            case Accept() | Score() | Restore() if self._admits(message):
                return self._hand_on(message)
            case Replace(data_type, failed):
                self._replace(data_type, failed)
            case Changed(server, state) if self._servers[state.data_type].server == server:
                self._states[state.data_type] = state
                self._publish(tuple(self._states.values()))
        return None

    def on_stop(self) -> None:
        """End the servers, each after the message it is at; one that hangs is left behind."""
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        for stopped in [each.server.stop(block=False) for each in self._servers.values()]:
            with contextlib.suppress(pykka.Timeout):
                stopped.get(timeout=max(0.0, deadline_s - time.monotonic()))

    def _hand_on(self, message: ToServer) -> HandedOn:
        """Ask the data type's actor: who that is, and where its answer will be."""
        # exercise[ac-1]: ask the data type's actor, which starts at its first message, and answer at once
        raise NotImplementedError("exercise ac-1")
        # end[ac-1]

    def _admits(self, message: ToServer) -> bool:
        """Whether it gets an actor: at most ``MAX_DATA_TYPES_WITHOUT_MODEL`` data types have one and no model."""
        # exercise[ac-2]: say whether this message gets an actor: strangers' texts must fill neither memory nor disk
        raise NotImplementedError("exercise ac-2")
        # end[ac-2]

    def _replace(self, data_type: str, failed: "pykka.ActorRef[Any]") -> None:
        supervised = self._servers[data_type]
        if supervised.server != failed:
            return
        supervised.journal.close()  # first: it may only be slow, and must not write after its successor has read
        supervised.server.stop(block=False)
        self._servers[data_type] = self._start(data_type)

    def _start(self, data_type: str) -> _Supervised:
        journal = Journal(self._file, data_type)
        return _Supervised(ModelServer.start(journal, self.actor_ref, self._load), journal)


def routes(states: Callable[[], Sequence[ServingState]]) -> APIRouter:
    """The paths that answer for this state: for what the actors have published, so a query never waits for one."""
    register_any_text()
    router = APIRouter()

    @router.get("/models", summary="The active model for each data type")
    async def models() -> Sequence[ModelAnswer]:
        return [ModelAnswer.of(state) for state in states() if state.model is not None]

    @router.get("/state/{data_type:text}", responses={404: {"model": Refusal}}, summary="One data type's state")
    async def state(data_type: str) -> StateAnswer:
        return state_answer(states(), data_type)

    return router
