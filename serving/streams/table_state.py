"""Serving states in a faust table: partitioned like the data, so that a partition that moves takes its state along.

Two rows for each data type and source partition: the model, which can have megabytes, written when another one takes
over and once in each life; and the counters, written once per batch. A row's changelog record goes to the partition of
the records that it counts, and is acknowledged before they are.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from model.errors import ModelRejected
from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from serving.engine import ArrivedModel
from serving.kept_state import KeptState, kept
from serving.kernel import epoch_ms
from serving.model_loading import Load
from serving.records import WineBatch
from serving.serve import ServedBatch, serve
from serving.streams.batches import Batch
from serving.streams.local_state import LocalState
from serving.streams.rows import COUNTERS, MODEL, Key, total

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MAX_STATES_WITHOUT_MODEL = 300  # a record's data type is a stranger's text: it must not fill our memory, or the disk


class TableState:
    """The states of the partitions that this instance has, written through to the table.

    ``accept``, ``restore`` and ``write`` belong on the event loop, between batches; ``serve`` may run in a thread.
    """

    def __init__(self, load: Load) -> None:
        """``load``: makes a model of the table serve again."""
        self._load_again = load
        self._table: Any = None
        self._states: dict[Key, KeptState] = {}
        self._models: dict[str, tuple[LoadedModel, KeptModel]] = {}  # in force, by data type
        self._written: dict[Key, int] = {}  # offset of the model in the table
        self._sent: dict[Key, int] = {}  # in this life; what a killed one wrote, the changelog may lack

    def use(self, table: Any) -> None:
        """Keep the rows in this table, of bytes by bytes."""
        self._table = table

    async def restore(self, partitions: set[int]) -> None:
        """Read the rows of the partitions that are this instance's now.

        A model in the table counts only while there is none in force for its data type: the feed brings the newest.
        """
        counters: dict[Key, KeptCounters] = {}
        models: dict[Key, KeptModel] = {}
        for row, value in self._table.items():
            kind, key = Key.of_row(row)
            if key.partition not in partitions:
                continue
            if kind == MODEL:
                models[key] = KeptModel.FromString(value)
            else:
                counters[key] = KeptCounters.FromString(value)
        await self._load(list(models.values()))
        self._written = {key: model.offset for key, model in models.items()}
        self._states = {key: self._restored(key, counters.get(key)) for key in counters.keys() | models.keys()}

    def models_from(self, partitions: set[int]) -> int | None:
        """Where the feed goes on, behind what the partition that has seen least has seen; None: from the beginning."""
        seen = dict.fromkeys(partitions, -1)
        for key, offset in self._written.items():
            if key.partition in seen:
                seen[key.partition] = max(seen[key.partition], offset)
        least = min(seen.values(), default=-1)
        return None if least < 0 else least + 1

    def accept(self, arrived: ArrivedModel) -> None:
        """Put a model in force in all partitions, and close the one it replaces; the same one again changes nothing."""
        data_type = arrived.loaded.data_type
        replaced = self._models.get(data_type)
        model = kept(arrived, epoch_ms())
        if replaced is not None and (replaced[1].offset, replaced[1].descriptor) == (model.offset, model.descriptor):
            arrived.loaded.model.close()
            return
        self._models[data_type] = arrived.loaded, model
        for key, state in self._states.items():
            if key.data_type == data_type:
                self._states[key] = state.accept(arrived.loaded, model)
        if replaced is not None:
            replaced[0].model.close()

    def serve(self, batch: Batch) -> tuple[ServedBatch, dict[Key, KeptState]]:
        """What becomes of a batch, and the states after it; nothing is kept until ``write``."""
        after: dict[Key, KeptState] = {}
        return serve(batch.records, self._scorer(batch.partition, after), epoch_ms), after

    def write(self, batch: Batch, after: dict[Key, KeptState]) -> None:
        """Keep the states after a batch, here and in the table; the batch must not be stale, and nothing is awaited.

        faust writes to the changelog partition that the batch is of: it is the event in flight of the agent that calls.
        A redelivered batch's rows are written again, not skipped: after a ``kill -9`` the store on disk can be ahead of
        the changelog, which must not lack what a new owner of the partition will ask for.
        """
        self._write_models(batch.partition)
        for key, state in after.items():
            if self._may_keep(key):
                self._states[key] = state
                self._table[key.row(COUNTERS)] = state.counters().SerializeToString()

    async def acknowledged(self) -> None:
        """Wait until the changelog has all that was written."""
        await self._table.acknowledged()

    def states(self) -> Sequence[ServingState]:
        """The state for each data type, over this instance's partitions."""
        return [total(data_type, self._of(data_type)) for data_type in self._data_types()]

    def parts(self) -> Sequence[LocalState]:
        """The states by source partition, and one without a partition for each model that has not scored yet."""
        known = [
            LocalState(
                state.serving,
                None if state.model is None else state.model.offset,
                key.partition,
                state.next_offsets.get(key.partition),
            )
            for key, state in self._states.items()
        ]
        unused = [
            LocalState(self._fresh(data_type).serving, model.offset, None, None)
            for data_type, (_, model) in list(self._models.items())
        ]
        return known + unused

    def close(self) -> None:
        """Close the models in force."""
        models, self._models = self._models, {}
        for loaded, _ in models.values():
            loaded.model.close()

    async def _load(self, models: list[KeptModel]) -> None:
        newest = {model.descriptor.dataType: model for model in sorted(models, key=lambda each: each.offset)}
        for data_type, model in newest.items():
            if data_type in self._models:
                continue
            try:
                loaded = await asyncio.to_thread(self._load_again, model.descriptor)
            except ModelRejected as error:  # it could be loaded when it was written; the feed may still bring it
                log.error("model_not_restored", model=model.descriptor.name, reason=error.reason)
                continue
            self._models[data_type] = loaded, model
            log.info("model_restored", model=loaded.name, data_type=data_type, offset=model.offset)

    def _restored(self, key: Key, counters: KeptCounters | None) -> KeptState:
        loaded, model = self._models.get(key.data_type, (None, None))
        return KeptState.restored(key.data_type, loaded, model, counters, "")

    def _fresh(self, data_type: str) -> KeptState:
        return self._restored(Key(0, data_type), None)

    def _scorer(self, partition: int, after: dict[Key, KeptState]) -> Any:
        def score(wines: WineBatch) -> Scores:
            key = Key(partition, wines.data_type)
            state = self._states.get(key) or self._fresh(wines.data_type)
            after[key], scores = state.score(wines)
            return scores

        return score

    def _write_models(self, partition: int) -> None:
        # All models in force, not only those that score this batch: the feed goes on behind the newest of them.
        for data_type, (_, model) in self._models.items():
            key = Key(partition, data_type)
            if self._sent.get(key) != model.offset:
                self._table[key.row(MODEL)] = model.SerializeToString()
                self._written[key] = self._sent[key] = model.offset

    def _may_keep(self, key: Key) -> bool:
        known = key in self._states or key.data_type in self._models
        return known or len(self._states) < MAX_STATES_WITHOUT_MODEL

    def _data_types(self) -> list[str]:
        return sorted({key.data_type for key in list(self._states)} | set(self._models))

    def _of(self, data_type: str) -> list[ServingState]:
        known = [state.serving for key, state in list(self._states.items()) if key.data_type == data_type]
        return known or [self._fresh(data_type).serving]
