"""What the detector sees and when, without Kafka: false alarms on stable records, and labels until a rise is seen."""

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np

from client.wines.source import GeneratedWines
from experiments.drift.detector import ErrorDetector, scaled
from experiments.drift.versions import scores_of
from protobufs.model_descriptor_pb2 import ModelDescriptor

BEFORE = 2000
"""Labels before the rise."""
AT_MOST = 10_000
"""Labels after it; a rise that is not seen by then counts as this many."""


def errors(model: ModelDescriptor, wines: int, seed: int, shift: float = 0.0) -> list[float]:
    """The model's errors, 0 to 1, on so many generated wines; ``shift``: points added to every score."""
    batch = GeneratedWines(seed).batch(wines)
    assert batch.quality is not None
    return [scaled(each) for each in np.abs(scores_of(model, batch) + shift - batch.quality).tolist()]


def alarms(stream: Iterable[float]) -> int:
    """How many rises a new detector sees."""
    detector = ErrorDetector()
    return sum(detector.update(each) is not None for each in stream)


def false_alarms(model: ModelDescriptor, runs: int, records: int) -> Sequence[int]:
    """Of each run: alarms on the errors of wines and a model that do not change."""
    return [alarms(errors(model, records, seed)) for seed in range(runs)]


def labels_until_seen(before: Iterable[float], after: Iterable[float]) -> int:
    """How many of ``after`` the detector takes until it sees the rise; ``AT_MOST`` where it sees none."""
    detector = ErrorDetector()
    for each in before:
        detector.update(each)
    return next((n for n, each in enumerate(after, start=1) if detector.update(each) is not None), AT_MOST)


def median_of_coins(runs: int, before: float = 0.25, after: float = 0.5) -> float:
    """Errors that are 0 or 1, at these rates: a rise of 0.25."""

    def one(seed: int) -> int:
        random = np.random.default_rng(seed)
        tosses = [(random.random(n) < p).astype(float).tolist() for n, p in ((BEFORE, before), (AT_MOST, after))]
        return labels_until_seen(*tosses)

    return median(one(seed) for seed in range(runs))


def median_of_shift(model: ModelDescriptor, points: float, runs: int) -> float:
    """Errors of the model before, and of one that adds ``points`` to every score after."""

    def one(seed: int) -> int:
        before = errors(model, BEFORE, seed)
        return labels_until_seen(before, errors(model, AT_MOST, seed + runs, points))

    return median(one(seed) for seed in range(runs))
