"""What ``/healthz`` tells."""

from dataclasses import dataclass


@dataclass(slots=True)
class Health:
    """Set by the lifecycle, read by the HTTP interface."""

    ready: bool = False
    broker: bool = True
