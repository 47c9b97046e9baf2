"""Serving states in a faust table: partitioned like the data, so that a partition that moves takes its counters along.

One row of counters for each data type and source partition, written once per batch. A row's changelog record goes to
the partition of the records that it counts, and is acknowledged before they are. The models are in a table of their
own, once per instance (``model_table.py``); a row says of which model its counters are.

A row can know a newer model than this instance has loaded: the instance that had the partition before has loaded it,
and this one has refused it, or its feed has not come to it yet. Such a row keeps that model's counters as they are. Its
partition's records are scored with the model that is loaded; their offsets are kept, so that none is counted twice, and
their scores are counted nowhere: that is what becomes of an older model's counters in any case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import structlog
from google.protobuf.message import DecodeError

from model.errors import ModelRejected
from model.features import Features, Values
from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel, FeedPosition, ModelStart
from serving.models.loading import Load
from serving.scoring.kept_state import KeptState, is_newer, kept, without_data
from serving.scoring.outcomes import BatchOutcome, epoch_ms, score_batch
from serving.scoring.records import WineBatch
from serving.streams.batches import Batch
from serving.streams.local_state import LocalState
from serving.streams.model_table import ModelTable
from serving.streams.rows import COUNTERS, MODEL, Key, total
from serving.threads import in_daemon_thread

log: structlog.stdlib.BoundLogger = structlog.get_logger()

M = TypeVar("M", KeptCounters, KeptModel)

MAX_STATES_WITHOUT_MODEL = 300  # a record's data type is a stranger's text: it must not fill our memory, or the disk


class TopicIds(Protocol):
    """The topics as they are now; ``Broker`` is one."""

    data_topic_id: str
    models_topic_id: str


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Stands where a row's model is not loaded here: it can be told of, and scores nothing."""

    def score(self, features: Features) -> Values:
        """Never called."""
        raise NotImplementedError

    def close(self) -> None:
        """There is nothing to close."""


class TableState:
    """The states of the partitions that this instance has, written through to the tables.

    ``accept``, ``restore`` and ``write`` belong on the event loop, between batches; ``score_batch`` may run in
    a thread.
    """

    def __init__(self, load: Load, topics: TopicIds) -> None:
        """``load``: makes a model of the table serve again."""
        self._load_again = load
        self._topics = topics
        self._table: Any = None
        self._model_table: ModelTable | Any = None
        self._states: dict[Key, KeptState] = {}
        self._active: dict[str, tuple[LoadedModel, KeptModel]] = {}  # by data type; kept without data
        self._refused: dict[str, KeptModel] = {}  # of the table, by data type; without data
        self._former_rows: set[Key] = set()  # of an earlier version, which kept a model with each partition

    def use(self, table: Any, models: ModelTable | Any) -> None:
        """Keep the counters in this table, of bytes by bytes, and the models in that one."""
        self._table = table
        self._model_table = models

    async def restore(self, partitions: set[int]) -> None:
        """Read the rows of the partitions that are this instance's now, and activate the newest models.

        The counters are read last, when nothing is awaited any more: they are what the table says at this moment.
        """
        await self._model_table.catch_up()
        former = self._read(MODEL, KeptModel, partitions)
        self._take_over(former)
        for data_type in self._model_table.data_types():
            await self._activate_newest(data_type)
        counters = self._read(COUNTERS, KeptCounters, partitions)
        self._states = {key: self._restored(key, counters.get(key)) for key in counters.keys() | former.keys()}
        self._log_newer()

    @property
    def models_from(self) -> ModelStart:
        """Where the feed goes on: behind the newest model that the table has, if all that is newest here is loaded."""
        current = self._topics.models_topic_id
        offsets = [model.offset for model in self._newest_models().values() if model.topic_id == current]
        not_loaded = any(self._is_ahead(key.data_type, state) for key, state in self._states.items())
        if not offsets or self._refused or not_loaded:
            return "beginning"
        return FeedPosition(current, max(offsets) + 1)

    def accept(self, arrived: ArrivedModel) -> bool:
        """Activate a model in all partitions, and close the one it replaces.

        Answers False if it is not newer than the active one; then it is closed itself.
        """
        data_type = arrived.loaded.data_type
        model = self._identified(data_type, kept(arrived, epoch_ms()))
        if not self._is_newest(data_type, model):
            arrived.loaded.close()
            return False
        known = self._model_table.newest(data_type)
        if known is None or is_newer(model, known, self._topics.models_topic_id):
            self._model_table.put(model)
        self._activate(arrived.loaded, without_data(model))
        return True

    def score_batch(self, batch: Batch) -> tuple[BatchOutcome, dict[Key, KeptState]]:
        """What becomes of a batch, and the states after it; nothing is kept until ``write``."""
        after: dict[Key, KeptState] = {}
        return score_batch(batch.records, self._scorer(batch.partition, after), epoch_ms), after

    def write(self, batch: Batch, after: dict[Key, KeptState]) -> None:
        """Keep the states after a batch, here and in the table; the batch must not be stale, and nothing is awaited.

        faust writes to the changelog partition that the batch is of: it is the event in flight of the agent that calls.
        A redelivered batch's rows are written again, not skipped: after a ``kill -9`` the store on disk can be ahead of
        the changelog, which must not lack what a new owner of the partition will ask for.
        """
        self._delete_former(batch.partition)
        # exercise[kv-1]: keep each state that may be kept, here and as a row of counters in the table
        for key, state in after.items():
            if self._may_keep(key, state):
                self._states[key] = state
                self._table[key.row(COUNTERS)] = state.counters().SerializeToString()
        # end[kv-1]

    async def acknowledged(self) -> None:
        """Wait until the changelogs have all that was written, and what is this instance's to write of the models."""
        await self._model_table.written()
        await self._table.acknowledged()

    def data_topic_recreated(self) -> None:
        """Records of the topic that is there now have not been counted, at any offset."""
        self._states = {key: state.reading(self._topics.data_topic_id) for key, state in self._states.items()}

    def states(self) -> Sequence[ServingState]:
        """The state for each data type, over this instance's partitions, with the model that scores them."""
        return [total(data_type, self._of(data_type)) for data_type in self._data_types()]

    def parts(self) -> Sequence[LocalState]:
        """The states by source partition, and one without a partition for each model that has not scored yet."""
        known = [
            LocalState.of(state.serving, state.model, key.partition, state.next_offsets.get(key.partition))
            for key, state in list(self._states.items())
        ]
        unused = [
            LocalState.of(self._fresh(data_type).serving, model) for data_type, (_, model) in list(self._active.items())
        ]
        return known + unused

    def close(self) -> None:
        """Close the active models."""
        active, self._active = self._active, {}
        for loaded, _ in active.values():
            loaded.close()

    # Restoring.

    def _read(self, kind: bytes, message: type[M], partitions: set[int]) -> dict[Key, M]:
        read: dict[Key, M] = {}
        for row, value in self._table.items():
            if row.startswith(MODEL) != (kind == MODEL):
                continue  # what was not written here is ignored once, with the counters
            try:
                key = Key.of_row(row, kind)
                if key.partition in partitions:
                    read[key] = message.FromString(value)
            except (ValueError, DecodeError):
                log.warning("row_ignored", row=row.decode(errors="replace"))
        return read

    async def _activate_newest(self, data_type: str) -> None:
        model = self._model_table.newest(data_type)
        if model is None or not self._is_newest(data_type, model) or self._refused.get(data_type) == model:
            return
        descriptor = self._model_table.model(data_type).descriptor  # now: while it loads, a newer one may come
        try:
            loaded = await in_daemon_thread(self._load_again, descriptor)
        except ModelRejected as error:  # it could be loaded when it was written; the feed may still bring it
            log.error("model_not_restored", model=descriptor.name, reason=error.reason)
            self._refused[data_type] = model
            return
        self._activate(loaded, model)
        log.info("model_restored", model=loaded.name, data_type=data_type, offset=model.offset)

    def _restored(self, key: Key, counters: KeptCounters | None) -> KeptState:
        loaded, model = self._active.get(key.data_type, (None, None))
        if counters is not None:
            counters = self._with_topic_ids(key.data_type, counters)
            of = KeptModel(offset=counters.model_offset, topic_id=counters.model_topic_id)
            if counters.HasField("model_offset") and self._is_newest(key.data_type, of):
                model = self._model_table.newest(key.data_type)
                loaded, model = (_not_loaded(model), model) if model is not None and _is_same(model, of) else (None, of)
        return KeptState.restored(key.data_type, loaded, model, counters, self._topics.data_topic_id)

    def _with_topic_ids(self, data_type: str, counters: KeptCounters) -> KeptCounters:
        """An earlier version kept none: it was the topics of these names."""
        if not counters.data_topic_id:
            counters.data_topic_id = self._topics.data_topic_id
        if not counters.model_topic_id and counters.HasField("model_offset"):
            model = self._model_table.newest(data_type)
            if model is not None and model.offset == counters.model_offset:
                counters.model_topic_id = model.topic_id
        return counters

    def _take_over(self, former: Mapping[Key, KeptModel]) -> None:
        """Move the models of an earlier version's rows, which have no topic's id, to the table of models."""
        self._former_rows |= former.keys()
        for model in sorted(former.values(), key=lambda each: each.offset):
            before = self._model_table.newest(model.descriptor.dataType)
            if before is None or is_newer(model, before, self._topics.models_topic_id):
                self._model_table.put(model)

    def _delete_former(self, partition: int) -> None:
        for key in [key for key in self._former_rows if key.partition == partition]:
            if self._model_table.has_written(key.data_type):
                del self._table[key.row(MODEL)]
                self._former_rows.remove(key)

    def _log_newer(self) -> None:
        newer = {key: state.model for key, state in self._states.items() if self._is_ahead(key.data_type, state)}
        for data_type in sorted({key.data_type for key in newer}):
            models = {key.partition: model for key, model in newer.items() if key.data_type == data_type and model}
            log.warning(
                "newer_model_not_loaded",
                data_type=data_type,
                partitions=sorted(models),
                offset=max(model.offset for model in models.values()),
            )

    # Which model is newer, and which is active.

    def _newest_models(self) -> dict[str, KeptModel]:
        newest = {data_type: self._model_table.newest(data_type) for data_type in self._model_table.data_types()}
        return {data_type: model for data_type, model in newest.items() if model is not None}

    def _is_newest(self, data_type: str, model: KeptModel) -> bool:
        active = self._active.get(data_type)
        return active is None or is_newer(model, active[1], self._topics.models_topic_id)

    def _is_ahead(self, data_type: str, state: KeptState) -> bool:
        """Whether a row's model is newer than what is loaded here."""
        return (
            state.model is not None
            and state.model != self._model(data_type)
            and self._is_newest(data_type, state.model)
        )

    def _model(self, data_type: str) -> KeptModel | None:
        return self._active[data_type][1] if data_type in self._active else None

    def _identified(self, data_type: str, model: KeptModel) -> KeptModel:
        """The model, as it is known if an earlier version, which kept no topic's id, has kept it."""
        known = self._model_table.newest(data_type)
        if known is None or known.topic_id or known.offset != model.offset:
            return model
        if self._model_table.model(data_type).descriptor != model.descriptor:
            return model
        model.since_ms = known.since_ms
        for key, state in self._states.items():
            if key.data_type == data_type and state.model is not None and _is_same(state.model, known):
                self._states[key] = replace(state, model=without_data(model))
        return model

    def _activate(self, loaded: LoadedModel, model: KeptModel) -> None:
        data_type = loaded.data_type
        replaced = self._active.get(data_type)
        self._active[data_type] = loaded, model
        self._refused.pop(data_type, None)
        for key, state in self._states.items():
            if key.data_type == data_type:
                self._states[key] = self._with_model(state, loaded, model)
        if replaced is not None:
            replaced[0].close()

    def _with_model(self, state: KeptState, loaded: LoadedModel, model: KeptModel) -> KeptState:
        if state.model is not None:
            if _is_same(state.model, model):
                return replace(
                    state, serving=replace(state.serving, model=loaded, since_ms=model.since_ms), model=model
                )
            if is_newer(state.model, model, self._topics.models_topic_id):
                return state
        return state.accept(loaded, model)

    # Scoring.

    def _scorer(self, partition: int, after: dict[Key, KeptState]) -> Any:
        def score(wines: WineBatch) -> Scores:
            key = Key(partition, wines.data_type)
            state = self._states.get(key) or self._fresh(wines.data_type)
            ahead = self._is_ahead(wines.data_type, state)
            after[key], scores = self._score_ahead(state, wines) if ahead else state.score(wines)
            return scores

        return score

    def _score_ahead(self, state: KeptState, wines: WineBatch) -> tuple[KeptState, Scores]:
        """Score by the active model, and count nothing for the newer one, which the state belongs to."""
        scored, scores = replace(self._fresh(wines.data_type), next_offsets=state.next_offsets).score(wines)
        serving = replace(
            state.serving,
            skipped=state.serving.skipped + scored.serving.skipped,
            dead_letters=state.serving.dead_letters + scored.serving.dead_letters,
        )
        return replace(state, serving=serving, next_offsets=scored.next_offsets), scores

    def _fresh(self, data_type: str) -> KeptState:
        return self._restored(Key(0, data_type), None)

    def _may_keep(self, key: Key, state: KeptState) -> bool:
        if state.data_topic_id != self._topics.data_topic_id:
            return False  # its records are of a topic that was deleted since
        known = key in self._states or key.data_type in self._active
        return known or len(self._states) < MAX_STATES_WITHOUT_MODEL

    # What is told.

    def _data_types(self) -> list[str]:
        return sorted({key.data_type for key in list(self._states)} | set(self._active))

    def _of(self, data_type: str) -> list[ServingState]:
        known = [state for key, state in list(self._states.items()) if key.data_type == data_type]
        return [self._by_active(state) for state in known] or [self._fresh(data_type).serving]

    def _by_active(self, state: KeptState) -> ServingState:
        """What the active model has done: nothing, where a newer one counts."""
        data_type = state.serving.data_type
        if not self._is_ahead(data_type, state):
            return state.serving
        serving = self._fresh(data_type).serving
        return replace(serving, skipped=state.serving.skipped, dead_letters=state.serving.dead_letters)


def _is_same(model: KeptModel, other: KeptModel) -> bool:
    return (model.topic_id, model.offset) == (other.topic_id, other.offset)


def _not_loaded(model: KeptModel) -> LoadedModel:
    told = model.descriptor
    kind = ModelDescriptor.ModelType.Name(told.modeltype)
    return LoadedModel(told.name, told.description, told.dataType, kind, NotLoaded())
