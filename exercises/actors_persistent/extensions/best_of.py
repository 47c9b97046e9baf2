"""The best of several models: all are asked at once, and the one that is surest of its answer is believed.

For models whose confidences can be compared, such as calibrated probabilities. Each model is an actor, so a slow one
holds up nobody; it is not asked again before it has answered, so its inbox holds one question at most.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pykka
import structlog

from actors_persistent.errors import ActorDied
from model.features import Features

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model says of a wine."""

    value: float
    confidence: float  # from 0 to 1


@dataclass(frozen=True, slots=True)
class Best:
    """The opinion that was taken, and whose it is."""

    model: str
    value: float
    confidence: float


Expert: TypeAlias = Callable[[Features], Opinion]
"""A model that knows how sure it is; it gets one wine, shape (1, 11)."""


class BestOf:
    """Asks several models, and takes one's answer; not for several threads."""

    def __init__(self, experts: Mapping[str, Expert], timeout_s: float) -> None:
        """Start an actor for each; of models that are equally sure the first one here is believed."""
        self._timeout_s = timeout_s
        self._actors = {name: _ExpertActor.start(expert) for name, expert in experts.items()}
        self._asked: dict[str, pykka.Future[Opinion]] = {}

    def score(self, wine: Features) -> Best | None:
        """The answer of the model that is surest, within the time limit for all of them together.

        Returns:
            None if no model has an answer: then the wine has no score, and never a guess.
        """
        best: Best | None = None
        # exercise[ac-6]: ask all models, then take the surest answer of those that are fit, and come by the deadline
        raise NotImplementedError("exercise ac-6")
        # end[ac-6]
        return best

    def close(self) -> None:
        """End the actors; one that hangs is left behind."""
        for actor in self._actors.values():
            actor.stop(block=False)

    def _ask(self, name: str, wine: Features) -> "pykka.Future[Opinion] | None":
        """The future of this model's answer; None if it is still at a former question."""
        former = self._asked.get(name)
        if former is not None and not _is_answered(former):
            return None
        self._asked[name] = self._actors[name].ask(wine, block=False)
        return self._asked[name]


class _ExpertActor(pykka.ThreadingActor):
    use_daemon_thread = True  # a model that hangs must not hold up the exit

    def __init__(self, expert: Expert) -> None:
        super().__init__()
        self._expert = expert

    def on_receive(self, message: Any) -> Opinion:
        try:
            return self._expert(message)
        except Exception:
            raise
        except BaseException as error:  # Pykka would end all actors there are
            raise ActorDied(repr(error)) from error


def _is_answered(future: "pykka.Future[Opinion]") -> bool:
    try:
        future.get(timeout=0)
    except pykka.Timeout:
        return False
    except Exception:  # noqa: BLE001 - an error is an answer, too
        return True
    return True
