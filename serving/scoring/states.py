"""The serving states of all data types, held in memory: for the variants that keep them nowhere else."""

from collections.abc import Mapping, Sequence

from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from serving.scoring.outcomes import BatchOutcome, epoch_ms, score_batch, score_wines
from serving.scoring.records import RawRecord, WineBatch

MAX_DATA_TYPES_WITHOUT_MODEL = 100  # a record's data type is a stranger's text: it must not fill our memory


class States:
    """One state per data type.

    Models and batches must come one after the other: then nothing here is locked, and a model is closed when no batch
    can still be using it. Queries may come from any thread: they see one value, replaced as a whole.
    """

    def __init__(self) -> None:
        self._states: Mapping[str, ServingState] = {}

    def accept(self, model: LoadedModel) -> None:
        """Activate a model at once, and close the one it replaces."""
        state = self._state(model.data_type)
        self._keep(state.accept(model, epoch_ms()))
        if state.model is not None:
            state.model.close()

    def score_batch(self, records: Sequence[RawRecord]) -> BatchOutcome:
        """The outcomes of a batch under the models that are active now."""
        return score_batch(records, self._score, epoch_ms)

    def states(self) -> Sequence[ServingState]:
        """The state for each data type, all of one moment."""
        return tuple(self._states.values())

    def close(self) -> None:
        """Close the active models."""
        states, self._states = self._states, {}
        for state in states.values():
            if state.model is not None:
                state.model.close()

    def _score(self, wines: WineBatch) -> Scores:
        state, scores = score_wines(self._state(wines.data_type), wines)
        self._keep(state)
        return scores

    def _state(self, data_type: str) -> ServingState:
        return self._states.get(data_type) or ServingState(data_type)

    def _keep(self, state: ServingState) -> None:
        known = state.data_type in self._states or state.model is not None
        if known or len(self._states) < MAX_DATA_TYPES_WITHOUT_MODEL:
            self._states = {**self._states, state.data_type: state}
