"""Where state lives: in a Python object of the server's process, and nowhere else."""

from collections.abc import Sequence

from fastapi import APIRouter

from model.serving_state import ServingState
from protobufs.kept_state_pb2 import KeptModel
from serving.engine import ArrivedModel
from serving.scoring.kept_state import kept, without_data
from serving.scoring.outcomes import ServedBatch, epoch_ms
from serving.scoring.records import RawRecord
from serving.scoring.states import States
from serving.streams import queries
from serving.streams.local_state import LocalState
from serving.streams.queryable import QueryableEngine


class StateInMemory:
    """The model in force and its counters for each data type; gone when the process is."""

    def __init__(self) -> None:
        self._states = States()
        self._models: dict[str, KeptModel] = {}  # without data; says which instance has the newer model

    def accept(self, arrived: ArrivedModel) -> None:
        """Put a model in force at once, and close the one it replaces."""
        self._models[arrived.loaded.data_type] = without_data(kept(arrived, epoch_ms()))
        self._states.accept(arrived.loaded)

    def serve(self, records: Sequence[RawRecord]) -> ServedBatch:
        """What becomes of a batch under the models in force now."""
        return self._states.serve(records)

    def states(self) -> Sequence[ServingState]:
        """The query: the state for each data type, all of one moment."""
        return self._states.all()

    def parts(self) -> Sequence[LocalState]:
        """The same for the other instances; these counters belong to this instance and not to a partition."""
        return [LocalState.of(state, self._models.get(state.data_type)) for state in self.states()]

    def close(self) -> None:
        """Close the models in force."""
        self._states.close()


def routes(engine: QueryableEngine) -> APIRouter:
    """The paths that answer for this state."""
    return queries.routes(engine.application)
