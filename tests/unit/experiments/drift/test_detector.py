"""When an error is said to have risen."""

import sys

import pytest

from client.provider.shipped_models import shipped_model
from experiments.drift.detector import ErrorDetector, scaled
from experiments.drift.sensitivity import alarms, errors, labels_until_seen, median_of_coins
from experiments.drift.versions import GOOD
from experiments.errors import RiverMissing

LOW, HIGH = [0.2, 0.3] * 500, [0.6, 0.7] * 500


def test_an_error_of_two_points_or_more_counts_as_one() -> None:
    assert [scaled(each) for each in (0.0, 0.5, 2.0, 7.0, float("nan"), float("inf"))] == [
        0.0,
        0.25,
        1.0,
        1.0,
        1.0,
        1.0,
    ]


def test_a_rise_is_an_alarm_and_a_fall_is_none() -> None:
    assert labels_until_seen(LOW, HIGH) <= 64  # two of ADWIN's looks, one per 32 labels
    assert alarms(HIGH + LOW) == 0
    assert alarms(LOW + HIGH) >= 1


def test_an_alarm_says_how_far_the_error_has_risen_in_points() -> None:
    detector = ErrorDetector()
    rises = [rise for each in LOW + HIGH if (rise := detector.update(each)) is not None]
    assert rises[0].before < rises[0].after
    assert 0.25 <= rises[0].before < rises[0].after <= 0.65
    assert f"{rises[0].before * 2:.2f} -> {rises[0].after * 2:.2f}, {rises[0].records} labels" in str(rises[0])


def test_without_river_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river.drift", None)
    with pytest.raises(RiverMissing, match=r"pip install .*\[drift\]"):
        ErrorDetector()


def test_20_000_stable_records_of_a_model_give_no_alarm_and_a_point_more_does() -> None:
    model = shipped_model(GOOD)
    stable = errors(model, 20_000, seed=1)
    assert alarms(stable) == 0
    # The mean of these errors rises by 0.25; issue 16 has a median of 111 for it, for coins, which vary more.
    assert labels_until_seen(stable, errors(model, 1000, seed=2, shift=1.0)) <= 111


@pytest.mark.thorough
def test_a_rise_of_a_quarter_is_seen_after_as_many_records_as_was_measured_elsewhere() -> None:
    """Issue 16: a median of 111. ADWIN looks at every 32nd record: the median of other runs is a look off, or two."""
    assert 111 - 64 <= median_of_coins(runs=101) <= 111 + 64
