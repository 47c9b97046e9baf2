"""The generated wines against the statistics of the real ones, and the messages made of wines.

N wines are drawn once. A frequency among them has a standard error of at most 0.5/sqrt(N) = 0.0011, a rank correlation
of about 1/sqrt(N) = 0.0022; the tolerances below leave some four of them, since many figures are compared.
"""

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.wines.source import DriftRejected, GeneratedWines, Wines, wine_records
from client.wines.statistics import DECIMALS
from model.features import WINE
from protobufs.wine_record_pb2 import WineRecord
from tests.support.exploring import examples
from tests.support.process import ROOT

N = 200_000
STATISTICS = ROOT / "data" / "wine-statistics.json"


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """The published statistics of the 1,599 red wines."""
    statistics: dict[str, Any] = json.loads(STATISTICS.read_text())
    return statistics


@pytest.fixture(scope="module")
def wines() -> Wines:
    """N generated wines."""
    return GeneratedWines(seed=1).batch(N)


@cache
def first_wines(seed: int) -> Wines:
    """The first 3,000 wines, taken at once."""
    return GeneratedWines(seed).batch(3000)


@pytest.mark.parametrize("feature", WINE)
def test_every_quantile_is_that_of_the_real_wines(feature: str, wines: Wines, real: dict[str, Any]) -> None:
    column = np.sort(wines.features[:, WINE.index(feature)])
    quantiles, probabilities = np.array(real["quantiles"][feature]), np.array(real["probabilities"])
    rounding = 0.5001 * 10.0 ** -DECIMALS[feature]
    below = np.searchsorted(column, quantiles - rounding, side="left") / N
    up_to = np.searchsorted(column, quantiles + rounding, side="right") / N
    assert (below <= probabilities + 0.005).all()
    assert (up_to >= probabilities - 0.005).all()


@pytest.mark.parametrize("feature", WINE)
def test_mean_and_spread_are_those_of_the_real_wines(feature: str, wines: Wines, real: dict[str, Any]) -> None:
    column, std = wines.features[:, WINE.index(feature)], real["std"][feature]
    # 41 quantiles say little of the outermost wines: their bend is fitted to the spread, and the mean follows.
    assert abs(column.mean() - real["mean"][feature]) < 0.015 * std
    assert column.std() == pytest.approx(std, rel=0.02)


def test_rank_correlations_are_those_of_the_real_wines_quality_included(wines: Wines, real: dict[str, Any]) -> None:
    from scipy.stats import spearmanr  # here: it takes a second, which every process of the tests would wait

    assert wines.quality is not None
    assert real["spearman_order"] == [*WINE, "quality"]
    generated = spearmanr(np.column_stack([wines.features, wines.quality])).statistic
    assert np.abs(generated - np.array(real["spearman"])).max() < 0.01


def test_quality_labels_are_as_frequent_as_the_real_ones(wines: Wines, real: dict[str, Any]) -> None:
    assert wines.quality is not None
    labels, counts = np.unique(wines.quality, return_counts=True)
    assert labels.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    expected = np.array(list(real["quality_counts"].values())) / real["records"]
    assert np.abs(counts / N - expected).max() < 0.005


def test_no_generated_wine_leaves_the_range_of_the_real_ones(wines: Wines, real: dict[str, Any]) -> None:
    extremes = np.array([[real["quantiles"][feature][0], real["quantiles"][feature][-1]] for feature in WINE])
    assert (wines.features >= extremes[:, 0]).all()
    assert (wines.features <= extremes[:, 1]).all()


def test_no_wine_has_more_free_than_total_sulfur_dioxide(wines: Wines) -> None:
    free, total = WINE.index("free_sulfur_dioxide"), WINE.index("total_sulfur_dioxide")
    assert (wines.features[:, free] <= wines.features[:, total]).all()


def test_values_have_as_many_decimals_as_the_real_table(wines: Wines) -> None:
    for feature, column in zip(WINE, wines.features[:1000].T, strict=True):
        assert [float(f"{value:.{DECIMALS[feature]}f}") for value in column] == column.tolist()


@settings(max_examples=examples(15))
@given(seed=st.integers(0, 1), cuts=st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_the_same_seed_gives_the_same_wines_however_they_are_cut(seed: int, cuts: list[int]) -> None:
    source, whole = GeneratedWines(seed), first_wines(seed)
    parts = [source.batch(n) for n in cuts]
    assert whole.quality is not None
    assert np.array_equal(np.concatenate([part.features for part in parts]), whole.features[: sum(cuts)])
    labels = np.concatenate([part.quality for part in parts if part.quality is not None])
    assert np.array_equal(labels, whole.quality[: sum(cuts)])


def test_another_seed_gives_other_wines() -> None:
    assert not np.array_equal(first_wines(0).features, first_wines(1).features)


def test_drift_adds_its_amount_per_hour_to_one_feature_only() -> None:
    alcohol = WINE.index("alcohol")
    drifted, steady = GeneratedWines(5, {"alcohol": 0.5}).batch(2000, hours=4.0), GeneratedWines(5).batch(2000)
    difference = drifted.features - steady.features
    assert difference[:, alcohol] == pytest.approx(np.full(2000, 2.0), abs=1e-9)  # 0.5 per hour, 4 hours
    assert not np.delete(difference, alcohol, axis=1).any()


def test_a_drift_smaller_than_the_last_decimal_still_moves_the_mean() -> None:
    alcohol = WINE.index("alcohol")
    drifted, steady = GeneratedWines(5, {"alcohol": 0.04}).batch(20_000, hours=1.0), GeneratedWines(5).batch(20_000)
    shift = (drifted.features - steady.features)[:, alcohol].mean()
    assert shift == pytest.approx(0.04, abs=0.01)  # alcohol has one decimal: 40 % of the wines go up by 0.1


def test_drift_stops_at_zero() -> None:
    batch = GeneratedWines(5, {"citric_acid": -1.0}).batch(1000, hours=10.0)
    assert batch.features[:, WINE.index("citric_acid")].tolist() == [0.0] * 1000


def test_drift_of_an_unknown_feature_names_the_features_there_are() -> None:
    with pytest.raises(DriftRejected, match=r"'alcool'.*no such feature; choose from fixed_acidity, .*, alcohol$"):
        GeneratedWines(drift={"alcool": 1.0})


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_drift_that_is_not_finite_is_refused(amount: float) -> None:
    with pytest.raises(DriftRejected, match=r"'pH': (nan|inf) per hour is not finite"):
        GeneratedWines(drift={"pH": amount})


def test_a_wine_record_carries_the_features_the_data_type_and_the_time() -> None:
    batch = GeneratedWines(seed=2).batch(3)
    messages = [WineRecord.FromString(message) for message in wine_records(batch, "wine", 1_700_000_000_123)]
    assert [[getattr(message, feature) for feature in WINE] for message in messages] == batch.features.tolist()
    assert {(message.dataType, message.ts) for message in messages} == {("wine", 1_700_000_000_123)}
