"""What only this variant can be told: how batches are delivered, and what happens while too many records come in."""

from pydantic import Field

from serving.engine import DeliveryMode, OverflowPolicy
from serving.settings.server import IN_FLIGHT, Settings

IN_TRANSACTIONS = 8
"""Batches in flight with transactions: one commit's worth, and the next."""


class StageSettings(Settings):
    """Scores wines from Kafka with the models that arrive on a second topic. Flags win over variables."""

    delivery: DeliveryMode = Field("at-least-once", description="when offsets are committed, and so what a kill costs")
    transactional_id: str | None = Field(
        None, min_length=1, description="for exactly-once: this instance's own; default: GROUP-HOST-PORT"
    )
    overflow: OverflowPolicy = Field(
        "wait",
        description="what happens while records come in faster than they are scored: wait, and let the lag grow in"
        " Kafka; drop-oldest, or spill to a file",
    )
    overflow_bytes: int = Field(
        64 * 2**20,
        ge=2**20,
        description="bytes that may wait before the stage: in memory for drop-oldest, in a file for spill",
    )
    max_in_flight: int | None = Field(
        None,
        ge=1,
        le=100,
        description=f"batches fetched and not yet acknowledged, at most; default: {IN_FLIGHT}, or {IN_TRANSACTIONS}"
        " with exactly-once",
    )

    @property
    def batches_in_flight(self) -> int:
        """``max_in_flight``, or its default for the delivery mode."""
        return self.max_in_flight or (IN_TRANSACTIONS if self.delivery == "exactly-once" else IN_FLIGHT)
