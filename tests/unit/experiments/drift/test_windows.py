"""Windowed errors, with values worked out by hand."""

from experiments.drift.join import Joined, Score
from experiments.drift.windows import ErrorSum, added, windowed


def joined(model: str, at_ms: int, value: float, label: float) -> Joined:
    return Joined(Score(f"{model}@{at_ms}", "wine", model, value, at_ms), label)


def test_each_model_has_its_mean_error_in_each_window() -> None:
    batch = [
        joined("a", 1000, 5.0, 6.0),  # 1.0
        joined("a", 1999, 5.5, 5.0),  # 0.5
        joined("a", 2000, 5.0, 5.25),  # 0.25
        joined("b", 1500, 8.0, 6.0),  # 2.0
    ]
    windows = windowed(batch, window_ms=1000)
    assert {key: (each.records, each.mean) for key, each in windows.items()} == {
        ("a", 1000): (2, 0.75),
        ("a", 2000): (1, 0.25),
        ("b", 1000): (1, 2.0),
    }


def test_a_late_batch_is_added_to_the_windows_of_its_scores_in_any_order() -> None:
    early, late = [joined("a", 1000, 5.0, 6.0)], [joined("a", 1100, 5.0, 8.0), joined("a", 3000, 5.0, 5.0)]
    first, second = windowed(early, 1000), windowed(late, 1000)
    assert added(first, second, keep_ms=10_000) == added(second, first, keep_ms=10_000)
    assert added(first, second, keep_ms=10_000) == {("a", 1000): ErrorSum(2, 4.0), ("a", 3000): ErrorSum(1, 0.0)}


def test_windows_that_are_older_than_is_kept_are_forgotten() -> None:
    old, new = windowed([joined("a", 1000, 5.0, 6.0)], 1000), windowed([joined("b", 4000, 5.0, 6.0)], 1000)
    assert set(added(old, new, keep_ms=3000)) == {("a", 1000), ("b", 4000)}
    assert set(added(old, new, keep_ms=2999)) == {("b", 4000)}


def test_an_empty_batch_changes_nothing() -> None:
    known = windowed([joined("a", 1000, 5.0, 6.0)], 1000)
    assert added(known, windowed([], 1000), keep_ms=1) == known
    assert added({}, {}, keep_ms=1) == {}
