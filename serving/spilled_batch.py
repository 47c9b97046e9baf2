"""Batches of Kafka records as bytes, for a file in which they wait."""

from collections.abc import Sequence

from protobufs.spilled_batch_pb2 import SpilledBatch, SpilledRecord
from serving.records import RawRecord, Record


def encoded(records: Sequence[RawRecord]) -> bytes:
    """A batch as one message."""
    return SpilledBatch(
        records=[SpilledRecord(**{name: getattr(record, name) for name in Record._fields}) for record in records]
    ).SerializeToString()


def decoded(data: bytes) -> Sequence[RawRecord]:
    """The batch in such a message."""
    return [
        Record(
            each.topic,
            each.partition,
            each.offset,
            each.timestamp,
            each.key if each.HasField("key") else None,
            each.value if each.HasField("value") else None,
        )
        for each in SpilledBatch.FromString(data).records
    ]
