"""A serving state that outlives its process: what to write down, and what to make of it again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from model.model import LoadedModel
from model.serving_state import Scores, ServingState
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from serving.engine import ArrivedModel
from serving.records import WineBatch
from serving.serve import score


@dataclass(frozen=True, slots=True)
class KeptState:
    """A ``ServingState``, the descriptor its model can be loaded from again, and up to where it has counted.

    The offsets make the counters exact: after a ``kill -9`` records come again that were counted already.
    """

    serving: ServingState
    model: KeptModel | None = None
    next_offsets: Mapping[int, int] = field(default_factory=dict)  # by partition; records from here on are new

    @classmethod
    def restored(
        cls, data_type: str, served: LoadedModel | None, model: KeptModel | None, counters: KeptCounters | None
    ) -> Self:
        """The state that was written down. ``served`` is what ``model`` was loaded to; None, both, without a model.

        Counters of another model than this one begin anew, as they do whenever a model takes over.
        """
        state = ServingState(data_type)
        if served is not None and model is not None:
            state = state.accept(served, model.since_ms)
        if counters is None:
            return cls(state, model)
        state = replace(state, skipped=counters.skipped, dead_letters=counters.dead_letters)
        if model is not None and counters.HasField("model_offset") and counters.model_offset == model.offset:
            state = replace(
                state,
                usage=counters.usage,
                duration_ms=counters.duration_ms,
                min_ms=counters.min_ms if counters.HasField("min_ms") else None,
                max_ms=counters.max_ms if counters.HasField("max_ms") else None,
            )
        return cls(state, model, dict(counters.next_offsets))

    def accept(self, loaded: LoadedModel, model: KeptModel) -> Self:
        """The state in which another model is in force."""
        return replace(self, serving=self.serving.accept(loaded, model.since_ms), model=model)

    def has(self, arrived: ArrivedModel) -> bool:
        """Whether this very message's model is in force; it comes again when the feed goes on from an older offset."""
        kept = self.model
        return kept is not None and kept.offset == arrived.offset and kept.descriptor == arrived.descriptor

    def score(self, wines: WineBatch) -> tuple[Self, Scores]:
        """The next state, and what the batch got; redelivered records are scored, and not counted twice."""
        serving, scores = score(self.serving, wines, self.next_offsets)
        reached = dict(self.next_offsets)
        for record in (*wines.records, *wines.unfit):
            reached[record.partition] = max(reached.get(record.partition, 0), record.offset + 1)
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
        )


def kept(arrived: ArrivedModel, now_ms: int) -> KeptModel:
    """What to write down of a model that takes over at ``now_ms``."""
    return KeptModel(offset=arrived.offset, descriptor=arrived.descriptor, since_ms=now_ms)
