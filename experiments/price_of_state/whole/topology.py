"""The engine of ``streams_kvstore`` over rows that have the whole state."""

from io import BytesIO

from google.protobuf import proto

from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from serving.engine import ArrivedModel
from serving.kernel import Kernel
from serving.models.loading import ModelLoading
from serving.scoring.kept_state import KeptState, kept
from serving.scoring.outcomes import epoch_ms
from serving.streams.application import Application
from serving.streams.batches import Batch
from serving.streams.rows import COUNTERS, Key
from streams_kvstore import topology
from streams_kvstore.state import KeyValueState

MODEL_TAG = (
    b"\x7a"  # field 15, with a length: KeptCounters has none of this number, and whoever reads one passes it over
)


def whole_row(counters: KeptCounters, model: KeptModel) -> bytes:
    """Counters and model in one value; it can be read as ``KeptCounters``."""
    row = BytesIO()
    row.write(counters.SerializeToString())
    row.write(MODEL_TAG)
    proto.serialize_length_prefixed(model, row)
    return row.getvalue()


class WholeState(KeyValueState):
    """Where ``KeyValueState`` writes counters, this writes counters and model. All else is the same."""

    def __init__(self, *arguments: object) -> None:
        """See ``TableState``."""
        super().__init__(*arguments)  # type: ignore[arg-type]  # handed on
        self._whole: dict[str, KeptModel] = {}  # by data type, with data

    def accept(self, arrived: ArrivedModel) -> bool:
        """Keep the model for the rows, too."""
        whole = kept(arrived, epoch_ms())
        accepted = super().accept(arrived)
        if accepted:
            self._whole[whole.descriptor.dataType] = whole
        return accepted

    def write(self, batch: Batch, after: dict[Key, KeptState]) -> None:  # noqa: ARG002 - the table asks faust whose it is
        """One row for each state, model included."""
        for key, state in after.items():
            self._states[key] = state
            self._table[key.row(COUNTERS)] = whole_row(state.counters(), self._whole[key.data_type])


class Engine(topology.Engine):
    """The same topology with the other state."""

    def __init__(self, kernel: Kernel) -> None:  # not the parent's, which makes the state that it keeps
        self._kernel = kernel
        self._state = WholeState(ModelLoading.of(kernel.settings).load_again, kernel.broker)
        self.application = Application(kernel, self._state.parts, self._state.restore)
