"""What an agent of a streams server gets out of its stream: batches, each what one fetch brought of one partition."""

from collections.abc import Sequence
from typing import Any

import faust

from serving.scoring.records import RawRecord


class Batch:
    """Records of one partition, in their order; fetched in one epoch of the consumer."""

    def __init__(self, app: Any, message: Any) -> None:
        """``message``: as the transport made it of what was fetched."""
        self._app = app
        self._message = message
        self._epoch: int = app.consumer.epoch
        self.records: Sequence[RawRecord] = message.value
        self.partition: int = message.partition

    @property
    def stale(self) -> bool:
        """Whether its partition was revoked since, or its topic created again: nothing of it may be written or sent.

        Its owner, which may be this instance, reads these records again.
        """
        return bool(self._app.consumer.epoch != self._epoch)

    def acknowledge(self) -> None:
        """All of its outcomes are in Kafka: its offsets may be committed."""
        if not self.stale:
            self._message.ack(self._app.consumer)


class BatchSchema(faust.Schema[None, Batch]):
    """Says to faust what a message of the data topic is: no key of its own, and for its value a ``Batch``."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """Each record has its own."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Batch:
        """The whole of the message."""
        return Batch(app, message)
