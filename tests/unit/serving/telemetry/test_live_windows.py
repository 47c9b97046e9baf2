"""What the windows of a live view say, against plain Python and numpy over everything that was put into them."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from serving.telemetry.live_windows import (
    HISTOGRAM_WINDOW_S,
    HISTORY_S,
    LATENCY_WINDOW_S,
    RATE_WINDOW_S,
    SAMPLES_PER_SECOND,
    LiveWindows,
)

START_S = 1000.0


@dataclass(frozen=True)
class Batch:
    """What was scored at one moment."""

    at_s: float
    values: NDArray[np.float64]
    latencies_ms: NDArray[np.float64]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Batch], float]:
    """Batches in the order of their times, pauses longer than any window among them; and a moment after them all."""
    batches, now_s = [], START_S + draw(st.floats(0, 0.999))
    score = st.floats(-2, 12) | st.sampled_from([0.0, 0.5, 5.0, 9.5, 10.0])
    for _ in range(draw(st.integers(1, 12))):
        values = draw(st.lists(score, min_size=1, max_size=20))
        latencies = draw(st.lists(st.floats(0, 1e5), min_size=len(values), max_size=len(values)))
        batches.append(Batch(now_s, np.array(values), np.array(latencies)))
        now_s += draw(st.floats(0, 2) | st.floats(0, 2.0 * HISTORY_S))
    return batches, now_s


def filled(batches: list[Batch]) -> LiveWindows:
    """Windows that have seen the batches."""
    windows = LiveWindows()
    for batch in batches:
        windows.add(batch.values, batch.latencies_ms, batch.at_s)
    return windows


def within(batches: list[Batch], now_s: float, window_s: float) -> list[Batch]:
    """Those in the window, which begins with a whole second."""
    return [batch for batch in batches if batch.at_s >= math.floor(now_s) - window_s]


@given(streams())
def test_the_rate_is_the_windows_records_over_its_length(stream: tuple[list[Batch], float]) -> None:
    batches, now_s = stream
    rate = filled(batches).records_per_s(now_s)
    if now_s - batches[0].at_s < 1:
        assert rate is None
        return
    records = sum(len(batch.values) for batch in within(batches, now_s, RATE_WINDOW_S))
    length_s = min(now_s - batches[0].at_s, now_s - (math.floor(now_s) - RATE_WINDOW_S))
    assert rate == pytest.approx(records / length_s)


@given(streams())
def test_every_whole_second_of_the_history_is_counted(stream: tuple[list[Batch], float]) -> None:
    batches, now_s = stream
    per_second = filled(batches).per_second(now_s)
    past = [batch for batch in within(batches, now_s, HISTORY_S) if batch.at_s < math.floor(now_s)]
    assert len(per_second) == min(HISTORY_S, math.floor(now_s) - math.floor(batches[0].at_s))
    assert sum(per_second) == sum(len(batch.values) for batch in past)
    for ago, count in enumerate(reversed(per_second), start=1):
        second = math.floor(now_s) - ago
        assert count == sum(len(batch.values) for batch in past if math.floor(batch.at_s) == second)


@given(streams())
def test_the_histogram_is_numpys_over_its_window(stream: tuple[list[Batch], float]) -> None:
    batches, now_s = stream
    histogram = filled(batches).histogram(now_s)
    values = np.concatenate([np.empty(0), *(batch.values for batch in within(batches, now_s, HISTOGRAM_WINDOW_S))])
    counts, edges = np.histogram(values, np.arange(0, 10.5, 0.5))
    assert histogram.edges == tuple(edges)
    assert histogram.counts == tuple(counts)
    assert (histogram.below, histogram.above) == ((values < 0).sum(), (values > 10).sum())


@given(streams())
def test_percentiles_are_numpys_over_their_window(stream: tuple[list[Batch], float]) -> None:
    batches, now_s = stream
    percentiles = filled(batches).percentiles_ms(now_s)
    window = [batch.latencies_ms for batch in within(batches, now_s, LATENCY_WINDOW_S)]
    if not window:
        assert percentiles is None
        return
    assert percentiles == tuple(np.percentile(np.concatenate(window), (50, 99), method="inverted_cdf"))


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
def test_thinning_moves_a_percentile_by_no_more_than_its_share_of_the_samples(sizes: list[int]) -> None:
    # Within one second at least SAMPLES_PER_SECOND / 2 samples stay, evenly spaced by arrival. Latencies that grow
    # with arrival make a record's rank its position, so that the error is at most the space between two samples.
    windows, total = LiveWindows(), sum(sizes)
    for latencies in np.split(np.arange(total, dtype=float), np.cumsum(sizes)[:-1]):
        windows.add(latencies, latencies, START_S)
    percentiles = windows.percentiles_ms(START_S)
    assert percentiles is not None
    tolerance = 1 + 2 * total / SAMPLES_PER_SECOND
    assert percentiles == pytest.approx((0.50 * total, 0.99 * total), abs=tolerance)


def test_a_busy_second_weighs_as_much_as_its_records() -> None:
    windows, slow, quick = LiveWindows(), np.full(100, 900.0), np.full(100_000, 5.0)
    windows.add(slow, slow, START_S)
    windows.add(quick, quick, START_S + 1)
    # 100 of 100,100 records were slow: far above the 99th percentile, however few samples of the others were kept.
    assert windows.percentiles_ms(START_S + 1) == (5.0, 5.0)


def test_memory_stays_bounded_under_load() -> None:
    windows, values = LiveWindows(), np.full(1000, 5.5)
    for step in range(3000):
        windows.add(values, values, START_S + step / 10)
    assert len(windows._seconds) <= HISTORY_S + 1
    for second in windows._seconds.values():
        assert len(second.latencies_ms) <= SAMPLES_PER_SECOND
