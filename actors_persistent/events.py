"""What happened to a data type's state, as events, and what a series of events comes to. Pure."""

from model.serving_state import Scores
from protobufs.actors_journal_pb2 import BatchScored, Event, Snapshot
from serving.kept_state import KeptState


def batch_scored(before: KeptState, after: KeptState, scores: Scores) -> Event | None:
    """The event that leads from one state to the other; None where nothing new was counted."""
    if after.next_offsets == before.next_offsets:
        return None
    was, now = before.serving, after.serving
    return Event(
        batch_scored=BatchScored(
            scored=now.usage - was.usage,
            share_ms=scores.duration_ms,
            skipped=now.skipped - was.skipped,
            dead_letters=now.dead_letters - was.dead_letters,
            next_offsets={
                partition: offset
                for partition, offset in after.next_offsets.items()
                if offset != before.next_offsets.get(partition)
            },
        )
    )


def apply(event: Event, to: Snapshot) -> None:
    """One step of the fold: change a snapshot by the event that follows it.

    It does with the numbers what ``ServingState`` did when they were counted, in the same order, so that even the sums
    of floating-point numbers are the same to the last bit.
    """
    to.sequence = event.sequence
    counters = to.counters
    if event.HasField("model_accepted"):
        to.model.CopyFrom(event.model_accepted)
        counters.model_offset = event.model_accepted.offset
        for name in ("usage", "duration_ms", "min_ms", "max_ms"):
            counters.ClearField(name)
        return
    batch = event.batch_scored
    counters.skipped += batch.skipped
    counters.dead_letters += batch.dead_letters
    counters.next_offsets.update(batch.next_offsets)
    if batch.scored:
        counters.usage += batch.scored
        counters.duration_ms += batch.scored * batch.share_ms
        counters.min_ms = min(counters.min_ms, batch.share_ms) if counters.HasField("min_ms") else batch.share_ms
        counters.max_ms = max(counters.max_ms, batch.share_ms) if counters.HasField("max_ms") else batch.share_ms
