"""Roll back to the model before: what is kept of the models that were replaced, and when each of them is closed.

In ``serving/scoring/states.py`` a model is closed at once when another one replaces it. With a history per data type,
``States.accept`` would call ``History.accept`` in place of ``close``, and an operator's ``POST /rollback`` would call
``History.roll_back``, on the same thread as the scoring.
"""

from collections.abc import Sequence

from model.errors import ServingError
from model.model import LoadedModel


class NothingToRollBackTo(ServingError):
    """There was no model before this one, or it is so long ago that it is closed."""

    def __init__(self) -> None:
        super().__init__("there is no earlier model to roll back to; publish one")


class History:
    """The models of one data type: the active one, and up to ``max_earlier`` that it can be rolled back to.

    A kept model stays in memory, open. Each model is closed exactly once: when it has become too old, when it has been
    rolled back, or at the end. Changes come one after the other, and none while a batch is scored; queries may come
    from any thread, and see one value, replaced as a whole.
    """

    def __init__(self, max_earlier: int = 3) -> None:
        """It has no model yet."""
        self._max_earlier = max_earlier
        self._models: Sequence[LoadedModel] = ()  # the active one last

    @property
    def models(self) -> Sequence[LoadedModel]:
        """All that are open, in the order in which they came; the last is active."""
        return self._models

    @property
    def active(self) -> LoadedModel | None:
        """What scores; None while no model has arrived."""
        return self._models[-1] if self._models else None

    def accept(self, model: LoadedModel) -> None:
        """Activate a model that has just been loaded; the one before it can be rolled back to."""
        self._keep((*self._models, model))

    def roll_back(self) -> LoadedModel:
        """Activate the model before the active one again, and give the active one up.

        Raises:
            NothingToRollBackTo: the active model stays.
        """
        if len(self._models) < 2:
            raise NothingToRollBackTo
        self._keep(self._models[:-1])
        return self._models[-1]

    def close(self) -> None:
        """Close all models."""
        self._keep(())

    def _keep(self, wanted: Sequence[LoadedModel]) -> None:
        """Have these models from now on, or the newest of them where they are too many; close those that go."""
        # exercise[cs-5]: keep the active model and at most max_earlier before it, and close each model that is not kept
        raise NotImplementedError("exercise cs-5")
        # end[cs-5]
