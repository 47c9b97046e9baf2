from hypothesis import given
from hypothesis import strategies as st

from client.terminal.pace import Pace, Rate

times_s = st.floats(0, 1e6)
intervals_s = st.floats(1e-4, 1e4)


def test_the_first_is_due_at_the_start() -> None:
    assert Pace(started_s=100.0, interval_s=60.0).due(100.0) == 1


def test_several_are_due_at_once_when_the_interval_is_shorter_than_the_tick() -> None:
    assert Pace(started_s=0.0, interval_s=0.25).due(1.0) == 5  # at 0, 0.25, 0.5, 0.75 and 1


def test_the_next_is_due_one_interval_after_the_last() -> None:
    pace = Pace(started_s=10.0, interval_s=0.5)  # due at 10, 10.5, 11, 11.5
    assert pace.next_s(3) == 11.5
    assert (pace.due(11.49), pace.due(11.5)) == (3, 4)


@given(started_s=times_s, interval_s=intervals_s, late_s=st.lists(st.floats(0, 10), max_size=20))
def test_lateness_does_not_add_up(started_s: float, interval_s: float, late_s: list[float]) -> None:
    pace, happened = Pace(started_s, interval_s), 0
    for each_s in late_s:
        now_s = pace.next_s(happened) + each_s
        happened = max(happened, pace.due(now_s))
        # Derived from the definition: n times by now, the n-th at start + (n - 1) intervals.
        assert abs(happened - ((now_s - started_s) / interval_s + 1)) <= 1 + 1e-6 * happened


def test_the_rate_is_the_growth_per_second() -> None:
    rate = Rate(window_s=5.0)
    assert rate.per_s(0.0, 0) == 0.0
    assert rate.per_s(2.0, 20) == 10.0


def test_the_rate_forgets_what_is_older_than_its_window() -> None:
    rate = Rate(window_s=5.0)
    for now_s in range(11):
        rate.per_s(float(now_s), 1000)
    assert rate.per_s(11.0, 1005) == 1.0  # 5 more than 5 s ago, and not 1005 in 11 s
