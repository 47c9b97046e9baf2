"""What the live page and the demo's terminal show: frozen values, JSON friendly, null where there is nothing yet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveModel:
    """The active model for a data type, as its scores tell; ``since_ago_s`` is the age of its first score."""

    data_type: str
    name: str
    since_ago_s: float


@dataclass(frozen=True, slots=True)
class LiveScore:
    """What one record got."""

    record_id: str
    value: float
    model_name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class LiveSwap:
    """One model taking over from another."""

    data_type: str
    from_model: str
    to_model: str
    ago_s: float


@dataclass(frozen=True, slots=True)
class LiveHistogram:
    """Scores per bin: ``counts[i]`` lie in [edges[i], edges[i + 1]), the last bin is closed."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int  # how many lie outside the edges
    above: int


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """The view at one moment; ``serving.telemetry.live_windows`` says how long each window is."""

    models: tuple[LiveModel, ...]  # the one that scored last comes first
    total: int
    records_per_s: float | None
    per_second: tuple[int, ...]  # records in each of the last whole seconds, oldest first
    last_scores: tuple[LiveScore, ...]  # newest first
    histogram: LiveHistogram
    swap_count: int
    swaps: tuple[LiveSwap, ...]  # newest first
    p50_ms: float | None  # end to end: since the record's submission
    p99_ms: float | None
