"""What a live view says of models, swaps and scores, against everything that was put into it."""

import itertools
import json
from dataclasses import asdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.telemetry.live_snapshot import LiveScore, LiveSwap
from serving.telemetry.live_view import LAST_SCORES, LAST_SWAPS, MOST_DATA_TYPES, SETTLING_S, LiveView

START_S = 1000.0


def score_one(view: LiveView, model_name: str, now_s: float, data_type: str = "wine", latency_ms: float = 1) -> None:
    """Let the view see one record, which got 5.5."""
    view.observe(
        model_name, ["w"], np.array([5.5]), np.array([latency_ms], dtype=float), now_s=now_s, data_type=data_type
    )


def test_a_view_that_has_seen_nothing_says_nothing() -> None:
    snapshot = LiveView().snapshot(START_S)
    assert (snapshot.models, snapshot.last_scores, snapshot.swaps, snapshot.per_second) == ((), (), (), ())
    assert (snapshot.records_per_s, snapshot.p50_ms, snapshot.p99_ms) == (None, None, None)
    assert snapshot.total == snapshot.swap_count == sum(snapshot.histogram.counts) == 0


def test_an_empty_batch_changes_nothing() -> None:
    view = LiveView()
    view.observe("forest", [], np.empty(0), np.empty(0), now_s=START_S)
    assert view.snapshot(START_S) == LiveView().snapshot(START_S)


def test_the_windows_of_a_view_are_those_of_its_records() -> None:
    view = LiveView()
    for number in range(100):
        score_one(view, "forest", START_S + number / 10, latency_ms=number)
    snapshot = view.snapshot(START_S + 10)
    # Ten a second, latencies 0 to 99 ms; the 50th and the 99th smallest are 49 and 98.
    assert (snapshot.records_per_s, snapshot.per_second) == (10.0, (10,) * 10)
    assert (snapshot.p50_ms, snapshot.p99_ms) == (49.0, 98.0)
    assert snapshot.histogram.counts == (0,) * 11 + (100,) + (0,) * 8


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_the_last_scores_are_the_newest_first(sizes: list[int]) -> None:
    view, every = LiveView(), list[LiveScore]()
    for number, size in enumerate(sizes):
        ids, values = [f"wine-{number}-{i}" for i in range(size)], np.arange(size, dtype=float)
        view.observe(f"model-{number}", ids, values, values, now_s=START_S, data_type="wine")
        every += [LiveScore(ids[i], float(i), f"model-{number}", "wine") for i in range(size)]
    assert view.snapshot(START_S).last_scores == tuple(reversed(every[-LAST_SCORES:]))


@given(st.lists(st.sampled_from(["linear", "forest", "boosted"]), min_size=1, max_size=30))
def test_each_change_of_model_is_a_swap(names: list[str]) -> None:
    view = LiveView()
    for number, name in enumerate(names):
        score_one(view, name, START_S + number * SETTLING_S)
    now_s = START_S + len(names) * SETTLING_S
    changes = [
        LiveSwap("wine", before, after, now_s - (START_S + number * SETTLING_S))
        for number, (before, after) in enumerate(itertools.pairwise(names), start=1)
        if before != after
    ]
    snapshot = view.snapshot(now_s)
    assert snapshot.total == len(names)
    assert snapshot.swap_count == len(changes)
    assert snapshot.swaps == tuple(reversed(changes[-LAST_SWAPS:]))
    assert [model.name for model in snapshot.models] == [names[-1]]


def test_stragglers_of_the_old_model_are_no_swap_back() -> None:
    view = LiveView()
    for name, at_s in [("linear", 0.0), ("forest", 5.0), ("linear", 5.1), ("forest", 5.2), ("linear", 5.9)]:
        score_one(view, name, START_S + at_s)
    snapshot = view.snapshot(START_S + 6)
    assert [(swap.from_model, swap.to_model, swap.ago_s) for swap in snapshot.swaps] == [("linear", "forest", 1.0)]
    assert [(model.name, model.since_ago_s) for model in snapshot.models] == [("forest", 1.0)]
    assert snapshot.total == 5


def test_a_model_that_comes_back_for_good_is_a_swap() -> None:
    view = LiveView()
    for name, at_s in [("linear", 0.0), ("forest", 5.0), ("linear", 5.5), ("linear", 5.0 + SETTLING_S)]:
        score_one(view, name, START_S + at_s)
    swaps = view.snapshot(START_S + 7).swaps
    assert [(swap.from_model, swap.to_model) for swap in swaps] == [("forest", "linear"), ("linear", "forest")]


def test_models_of_two_data_types_side_by_side_are_no_swaps() -> None:
    view = LiveView()
    for number in range(10):
        score_one(view, "forest", START_S + number * 2, "wine")
        score_one(view, "boosted", START_S + number * 2 + 1, "cider")
    snapshot = view.snapshot(START_S + 20)
    assert snapshot.swap_count == 0
    assert [(model.data_type, model.name) for model in snapshot.models] == [("cider", "boosted"), ("wine", "forest")]


def test_no_more_than_a_few_data_types_are_remembered() -> None:
    view = LiveView()
    for number in range(100):
        score_one(view, "forest", START_S, f"type-{number}")
    kept = [model.data_type for model in view.snapshot(START_S).models]
    assert kept == [f"type-{number}" for number in range(99, 99 - MOST_DATA_TYPES, -1)]


def test_a_snapshot_is_json_as_it_stands() -> None:
    view = LiveView()
    for number in range(5):
        score_one(view, f"model-{number}", START_S + number)
    facts = json.loads(json.dumps(asdict(view.snapshot(START_S + 5)), allow_nan=False))
    assert facts["models"] == [{"data_type": "wine", "name": "model-4", "since_ago_s": 1.0}]
    assert facts["swaps"][0] == {"data_type": "wine", "from_model": "model-3", "to_model": "model-4", "ago_s": 1.0}
    assert facts["last_scores"][0] == {"record_id": "w", "value": 5.5, "model_name": "model-4", "data_type": "wine"}
