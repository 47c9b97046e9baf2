"""A serving state that outlives its process: what to write down, and what to make of it again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel
from serving.scoring.outcomes import score_wines
from serving.scoring.records import WineBatch


@dataclass(frozen=True, slots=True)
class KeptState:
    """A ``ServingState``, the descriptor its model can be loaded from again, and up to where it has counted.

    The offsets make the counters exact: after a ``kill -9`` records come again that were counted already.
    """

    serving: ServingState
    model: KeptModel | None = None
    next_offsets: Mapping[int, int] = field(default_factory=dict)  # by partition; records from here on are new
    data_topic_id: str = ""  # of the topic in which these are offsets

    @classmethod
    def restored(
        cls,
        data_type: str,
        served: LoadedModel | None,
        model: KeptModel | None,
        counters: KeptCounters | None,
        data_topic_id: str,
    ) -> Self:
        """The state that was written down, for the data topic with this id.

        Args:
            served: the loaded form of ``model``; both are None if there was no model.
            counters: those of another model than this one restart at zero, as they do whenever a model is activated.
        """
        state = ServingState(data_type)
        if served is not None and model is not None:
            state = state.accept(served, model.since_ms)
        if counters is None:
            return cls(state, model, data_topic_id=data_topic_id)
        state = replace(state, skipped=counters.skipped, dead_letters=counters.dead_letters)
        if model is not None and _belong_to(counters, model):
            state = replace(
                state,
                usage=counters.usage,
                duration_ms=counters.duration_ms,
                min_ms=counters.min_ms if counters.HasField("min_ms") else None,
                max_ms=counters.max_ms if counters.HasField("max_ms") else None,
            )
        return cls(state, model, dict(counters.next_offsets), counters.data_topic_id).reading(data_topic_id)

    def reading(self, data_topic_id: str) -> Self:
        """The state for records of the data topic with this id: of another topic than before, none has been counted."""
        if data_topic_id == self.data_topic_id:
            return self
        return replace(self, next_offsets={}, data_topic_id=data_topic_id)

    def accept(self, loaded: LoadedModel, model: KeptModel) -> Self:
        """The state in which another model is active."""
        return replace(self, serving=self.serving.accept(loaded, model.since_ms), model=model)

    def has(self, arrived: ArrivedModel) -> bool:
        """Whether this message's model is active: it is redelivered when the feed goes on from an older offset."""
        kept = self.model
        return kept is not None and is_same_message(kept, arrived)

    def score(self, wines: WineBatch) -> tuple[Self, Scores]:
        """The next state, and what the batch got; redelivered records are scored, and not counted twice."""
        # exercise[kc-1]: score the batch, count what is new in it, and say up to where each partition is counted now
        serving, scores = score_wines(self.serving, wines, self.next_offsets)
        reached = dict(self.next_offsets)
        for record in (*wines.records, *wines.unfit):
            reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
        # end[kc-1]
        return replace(self, serving=serving, next_offsets=reached), scores

    def counters(self) -> KeptCounters:
        """What to write down after each batch; the model goes beside it, when it changes."""
        state = self.serving
        return KeptCounters(
            usage=state.usage,
            duration_ms=state.duration_ms,
            min_ms=state.min_ms,
            max_ms=state.max_ms,
            skipped=state.skipped,
            dead_letters=state.dead_letters,
            next_offsets=self.next_offsets,
            model_offset=None if self.model is None else self.model.offset,
            model_topic_id="" if self.model is None else self.model.topic_id,
            data_topic_id=self.data_topic_id,
        )


def kept(arrived: ArrivedModel, now_ms: int) -> KeptModel:
    """What to write down of a model that is activated at ``now_ms``."""
    return KeptModel(offset=arrived.offset, descriptor=arrived.descriptor, since_ms=now_ms, topic_id=arrived.topic_id)


def without_data(model: KeptModel) -> KeptModel:
    """What identifies a kept model, and what can be told of it; its bytes can be megabytes."""
    told = model.descriptor
    descriptor = ModelDescriptor(
        name=told.name, description=told.description, dataType=told.dataType, modeltype=told.modeltype
    )
    return KeptModel(offset=model.offset, topic_id=model.topic_id, since_ms=model.since_ms, descriptor=descriptor)


def is_same_message(model: KeptModel, arrived: ArrivedModel) -> bool:
    """Whether a kept model came with this message."""
    return (model.topic_id, model.offset, model.descriptor) == (arrived.topic_id, arrived.offset, arrived.descriptor)


def is_newer(model: KeptModel, than: KeptModel, models_topic_id: str) -> bool:
    """Whether a kept model was published after another one.

    A model of the topic that is there now, with ``models_topic_id``, is newer than any model of a topic that is gone.
    """
    now, before = model.topic_id == models_topic_id, than.topic_id == models_topic_id
    return now if now != before else model.offset > than.offset


def _belong_to(counters: KeptCounters, model: KeptModel) -> bool:
    known = counters.HasField("model_offset")
    return known and (counters.model_topic_id, counters.model_offset) == (model.topic_id, model.offset)
