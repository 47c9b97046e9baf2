"""What Prometheus reads from a server. No label comes from a record: a stranger could make as many as he likes."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SCORE_BUCKETS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)
LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30)
BATCH_BUCKETS = (1, 10, 100, 1000, 10_000)


class Metrics:
    """The meters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.scored = Counter("serving_records_scored", "Records scored and acknowledged", registry=registry)
        self.skipped = Counter("serving_records_skipped", "Records for which there was no model", registry=registry)
        self.dead_letters = Counter("serving_dead_letters", "Dead letters", ["kind"], registry=registry)
        self.models = Counter("serving_models_accepted", "Models activated", registry=registry)
        self.batch_records = Histogram(
            "serving_batch_records", "Records in a batch", buckets=BATCH_BUCKETS, registry=registry
        )
        self.score_s = Histogram(
            "serving_score_seconds",
            "Time a model took for the records of one type in a batch",
            buckets=SCORE_BUCKETS_S,
            registry=registry,
        )
        self.end_to_end_s = Histogram(
            "serving_end_to_end_seconds",
            "Submission to acknowledged score, of the slowest record of each batch; more than a day is left out",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.broker_connected = Gauge("serving_broker_connected", "1 while the broker answers", registry=registry)
        self.lag = Gauge("serving_lag_records", "Records waiting in the assigned partitions", registry=registry)
        self.dead_letters.labels("record")
        self.dead_letters.labels("model")

    def exposition(self) -> bytes:
        """All meters in Prometheus's text format."""
        return generate_latest(self.registry)
