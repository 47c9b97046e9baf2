"""Where state lives: in a Python object of the server's process, and nowhere else."""

from collections.abc import Sequence

from protobufs.kept_state_pb2 import KeptModel
from serving.engine import ArrivedModel
from serving.scoring.kept_state import kept, without_data
from serving.scoring.outcomes import epoch_ms
from serving.scoring.states import States
from serving.streams.local_state import LocalState


class StateInMemory(States):
    """The active model and its counters for each data type; gone when the process is."""

    def __init__(self) -> None:
        super().__init__()
        self._models: dict[str, KeptModel] = {}  # without data; says which instance has the newer model

    def accept_arrived(self, arrived: ArrivedModel) -> None:
        """Activate a model at once, and close the one it replaces."""
        self._models[arrived.loaded.data_type] = without_data(kept(arrived, epoch_ms()))
        self.accept(arrived.loaded)

    def parts(self) -> Sequence[LocalState]:
        """The same for the other instances; these counters belong to this instance and not to a partition."""
        return [LocalState.of(state, self._models.get(state.data_type)) for state in self.states()]
