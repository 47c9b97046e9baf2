"""What happened to a data type's state, as events, and what a series of events comes to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from model.serving_state import Scores
from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from serving.scoring.kept_state import KeptState


@dataclass(frozen=True, slots=True)
class ModelAccepted:
    """A model is active from here on; the journal keeps its content once, beside the events."""

    name: str
    topic_id: str  # of the models topic
    offset: int  # in that topic

    @classmethod
    def of(cls, model: KeptModel) -> "ModelAccepted":
        """The event that makes this model the active one."""
        return cls(model.descriptor.name, model.topic_id, model.offset)


@dataclass(frozen=True, slots=True)
class BatchScored:
    """A batch has been scored. Records that had been counted before, because they were redelivered, are not in here."""

    scored: int
    skipped: int
    dead_letters: int
    share_ms: float  # each scored record's share of the batch's scoring time
    topic_id: str  # of the data topic
    next_offsets: Mapping[int, int]  # in that topic, by partition: up to where the batch reached


Event: TypeAlias = ModelAccepted | BatchScored


def batch_scored(before: KeptState, after: KeptState, scores: Scores) -> BatchScored | None:
    """The event that leads from one state to the other; None where nothing new was counted."""
    if after.next_offsets == before.next_offsets:
        return None
    was, now = before.serving, after.serving
    return BatchScored(
        scored=now.usage - was.usage,
        skipped=now.skipped - was.skipped,
        dead_letters=now.dead_letters - was.dead_letters,
        share_ms=scores.duration_ms,
        topic_id=after.data_topic_id,
        next_offsets={
            partition: offset
            for partition, offset in after.next_offsets.items()
            if offset != before.next_offsets.get(partition)
        },
    )


def apply(event: Event, to: KeptCounters) -> None:
    """One step of the fold: change the counters by the event that follows them.

    It does with the numbers what ``KeptState`` did when they were counted, in the same order, so that even the sums of
    floating-point numbers are the same to the last bit.
    """
    match event:
        case ModelAccepted():
            to.model_topic_id = event.topic_id
            to.model_offset = event.offset
            for name in ("usage", "duration_ms", "min_ms", "max_ms"):
                to.ClearField(name)
        case BatchScored():
            if to.data_topic_id != event.topic_id:  # offsets of another topic say nothing about this one
                to.data_topic_id = event.topic_id
                to.next_offsets.clear()
            to.next_offsets.update(event.next_offsets)
            to.skipped += event.skipped
            to.dead_letters += event.dead_letters
            if event.scored:
                to.usage += event.scored
                to.duration_ms += event.scored * event.share_ms
                to.min_ms = min(to.min_ms, event.share_ms) if to.HasField("min_ms") else event.share_ms
                to.max_ms = max(to.max_ms, event.share_ms) if to.HasField("max_ms") else event.share_ms
