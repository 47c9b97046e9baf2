"""How the rest of the server asks the actors: with a time limit, and a second question to the successor."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pykka
import structlog

from actors_persistent.errors import ActorFailed
from actors_persistent.journal.feed_position import keep_position, kept_position
from actors_persistent.journal.journal import recorded_data_types
from actors_persistent.journal.journal_file import JournalFile
from actors_persistent.messages import Accept, HandedOn, Replace, Restore, Score, ToServer
from actors_persistent.state import ModelServingManager
from model import registry
from model.errors import ServingError
from model.serving_state import Scores, ServingState
from serving.engine import ArrivedModel, FeedPosition
from serving.models.loading import Load
from serving.scoring.records import WineBatch

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ANSWER_TIMEOUT_S = 60.0
"""For a batch or a model; a model that takes longer for a batch is taken to hang."""
RESTORE_TIMEOUT_S = 120.0
"""For all models to load, Java's start included."""
CLOSE_TIMEOUT_S = 2.0


class Actors:
    """The manager and its servers, from outside; every call but ``states`` and ``waiting_s`` blocks, on any thread."""

    def __init__(
        self, root: Path, *, fsync: bool, timeout_s: float = ANSWER_TIMEOUT_S, load: Load = registry.load
    ) -> None:
        """Start the manager; ``restore`` before anything else. ``load`` makes a kept model serve again."""
        self._file = JournalFile(root, fsync=fsync)
        self._timeout_s = timeout_s
        self._states: Sequence[ServingState] = ()
        self._asking: dict[object, float] = {}  # since when each question waits for its answer
        self._manager = ModelServingManager.start(self._file, load, self._published)

    def restore(self) -> FeedPosition | None:
        """Have every data type that has a memory as it was, their models loaded concurrently; where the feed goes on.

        Raises:
            StateCorrupt, LogCorrupt, DataTypeCorrupt, StateUnwritable, KeptModelUnusable: one cannot be restored.
        """
        self._file.open()
        position = kept_position(self._file)
        restoring: list[HandedOn] = [
            self._manager.ask(Restore(data_type), block=True, timeout=RESTORE_TIMEOUT_S)
            for data_type in recorded_data_types(self._file)
        ]
        for handed_on in restoring:
            handed_on.answer.get(timeout=RESTORE_TIMEOUT_S)
        return position

    def score(self, wines: WineBatch, data_topic_id: str) -> Scores:
        """What the batch got; what it counts is on disk by then.

        Raises:
            ActorFailed, StateUnwritable, StateCorrupt, DataTypeCorrupt: two actors in a row failed.
        """
        scores = self._asked(Score(wines, data_topic_id))
        return Scores(None, None, 0.0) if scores is None else scores

    def accept(self, arrived: ArrivedModel) -> bool:
        """Activate a model, after the batch in flight.

        Answers False if it, or a newer one, is active already; then it is closed.

        Raises:
            ActorFailed, StateUnwritable, StateCorrupt, DataTypeCorrupt: two actors in a row failed.
        """
        activated = bool(self._asked(Accept(arrived)))
        if not activated:
            arrived.loaded.close()
        return activated

    def keep_position(self, position: FeedPosition) -> None:
        """Every model before this position has been accepted, or refused.

        Raises:
            StateUnwritable, StateCorrupt: the old position stays.
        """
        with self._waiting():
            keep_position(self._file, position)

    def states(self) -> Sequence[ServingState]:
        """The states that the actors have told of; it waits for nobody."""
        return self._states

    def waiting_s(self) -> float:
        """For how long the question that was asked first has been waiting; 0 while none is."""
        first_s = min(list(self._asking.values()), default=None)
        return 0.0 if first_s is None else time.monotonic() - first_s

    def close(self) -> None:
        """End all actors, so that each closes its model, and close the file; what hangs is left behind."""
        with contextlib.suppress(pykka.Timeout):
            self._manager.stop(timeout=CLOSE_TIMEOUT_S)
        self._file.close()

    def _published(self, states: Sequence[ServingState]) -> None:
        self._states = states

    def _asked(self, message: ToServer) -> Any:
        with self._waiting():
            return self._answer(message)

    def _answer(self, message: ToServer) -> Any:
        handed_on: HandedOn | None = self._manager.ask(message, block=True, timeout=self._timeout_s)
        if handed_on is None:
            return None
        # exercise[ac-3]: return the actor's answer; without one in time have the actor replaced, and ask its successor
        try:
            return handed_on.answer.get(timeout=self._timeout_s)
        except Exception as error:  # noqa: BLE001 - whatever it died of, its successor knows all that it has told anybody
            log.warning("actor_replaced", data_type=message.data_type, reason=self._reason(error))
        self._manager.ask(Replace(message.data_type, handed_on.server), timeout=self._timeout_s)
        handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
        # end[ac-3]
        assert handed_on is not None, "a data type with an actor keeps having one"
        try:
            return handed_on.answer.get(timeout=self._timeout_s)
        except ServingError:
            raise
        except Exception as error:
            raise ActorFailed(message.data_type, self._reason(error)) from error

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        question = object()
        self._asking[question] = time.monotonic()
        try:
            yield
        finally:
            del self._asking[question]

    def _reason(self, error: Exception) -> str:
        if isinstance(error, pykka.Timeout):
            return f"no answer within {self._timeout_s:g} s"
        return str(error) or type(error).__name__
