"""The way in for everything that is no actor: ask, wait so long and no longer, and ask the successor once more."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pykka
import structlog

from actors_persistent.errors import ActorFailed
from actors_persistent.messages import Accept, HandedOn, Replace, RestoreAll, Score, States, ToServer
from actors_persistent.state import ModelServingManager
from model import registry
from model.errors import ServingError
from model.serving_state import Scores, ServingState
from serving.engine import ArrivedModel
from serving.model_loading import Load
from serving.records import WineBatch

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ANSWER_TIMEOUT_S = 60.0
"""For a batch or a model; a model that takes longer for a batch is taken to hang."""
RESTORE_TIMEOUT_S = 120.0
"""For all models to load, Java's start included."""
CLOSE_TIMEOUT_S = 2.0


class Actors:
    """The manager and its servers, from outside; every call blocks, on any thread."""

    def __init__(
        self, root: Path, *, fsync: bool, timeout_s: float = ANSWER_TIMEOUT_S, load: Load = registry.load
    ) -> None:
        """Start the manager; ``restore`` before anything else. ``load`` makes a kept model serve again."""
        self._manager = ModelServingManager.start(root, load, fsync=fsync)
        self._timeout_s = timeout_s

    def restore(self) -> None:
        """Have every data type that has a memory as it was; their models load beside each other.

        Raises:
            StateCorrupt, StateUnwritable, KeptModelUnusable: one cannot be restored.
        """
        restoring: list[HandedOn] = self._manager.ask(RestoreAll(), block=True, timeout=RESTORE_TIMEOUT_S)
        for handed_on in restoring:
            handed_on.answer.get(timeout=RESTORE_TIMEOUT_S)

    def score(self, wines: WineBatch) -> Scores:
        """What the batch got; what it counts is on disk by then.

        Raises:
            ActorFailed, StateUnwritable, StateCorrupt: two actors in a row failed.
        """
        scores = self._asked(Score(wines))
        return Scores(None, None, 0.0) if scores is None else scores

    def accept(self, arrived: ArrivedModel) -> None:
        """Put a model in force, after the batch in hand; close it if it is in force already.

        Raises:
            ActorFailed, StateUnwritable, StateCorrupt: two actors in a row failed.
        """
        if not self._asked(Accept(arrived)):
            arrived.loaded.model.close()

    def states(self) -> Sequence[ServingState]:
        """The states that the servers have told of, at once."""
        states: Sequence[ServingState] = self._manager.ask(States(), block=True, timeout=self._timeout_s)
        return states

    def close(self) -> None:
        """End all actors, so that each closes its model."""
        with contextlib.suppress(pykka.Timeout):
            self._manager.stop(timeout=CLOSE_TIMEOUT_S)

    def _asked(self, message: ToServer) -> Any:
        handed_on: HandedOn | None = self._manager.ask(message, block=True, timeout=self._timeout_s)
        if handed_on is None:
            return None
        try:
            return handed_on.answer.get(timeout=self._timeout_s)
        except Exception as error:  # whatever it died of, its successor knows all that it has told anybody
            log.warning("actor_replaced", data_type=message.data_type, reason=self._reason(error))
        self._manager.ask(Replace(message.data_type, handed_on.server), block=True, timeout=self._timeout_s)
        handed_on = self._manager.ask(message, block=True, timeout=self._timeout_s)
        assert handed_on is not None, "a data type with an actor keeps having one"
        try:
            return handed_on.answer.get(timeout=self._timeout_s)
        except ServingError:
            raise
        except Exception as error:
            raise ActorFailed(message.data_type, self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        if isinstance(error, pykka.Timeout):
            return f"no answer within {self._timeout_s:g} s"
        return str(error) or type(error).__name__
