"""What ``/metrics`` tells of records that come in faster than they are scored."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class OverflowMetrics:
    """Further meters in a server's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waited_s = Counter(
            "serving_overflow_wait_seconds", "Time in which nothing was read, for the stage was busy", registry=registry
        )
        self.dropped = Counter(
            "serving_overflow_records_dropped", "Records left out for younger ones (drop-oldest)", registry=registry
        )
        self.spilled = Counter(
            "serving_overflow_records_spilled", "Records that waited in the file (spill)", registry=registry
        )
        self.waiting_bytes = Gauge(
            "serving_overflow_bytes_waiting", "Bytes of records read, and not yet with the stage", registry=registry
        )
